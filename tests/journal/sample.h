// SPDX-License-Identifier: Apache-2.0
//
// The sample journals of tests/data/journals: what each version of the format wrote, kept for ever.
// A sample is a directory with the journal's files, compressed, and `dump.txt`, what they hold
// (DumpAll), made by the version that wrote them. tests/data/journals/README.md lists them.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace holdfast::journal {

class Reader;

struct Sample {
  int version = 0;        // of the format
  std::string name;       // within the version
  std::string directory;  // where it is kept
};

// As in a test's name.
std::ostream& operator<<(std::ostream& out, const Sample& sample);

// All samples under `root`, `<root>/v<version>/<name>`, in order. Empty when there are none.
std::vector<Sample> ListSamples(const std::string& root);

// Writes the sample's journal into `directory` and returns the path of its database file. Aborts
// the program when it cannot.
std::string UnpackSample(const Sample& sample, const std::string& directory);

// Makes a sample of the journal at `path`, as it lies there: nothing of it is changed, also not
// when a killed gateway left it. Aborts the program when it cannot, or when it does not verify.
void PackSample(const std::string& path, const std::string& directory);

// Dump(), and what is kept beside the records of live sandboxes.
std::string DumpAll(Reader& reader);

// The DumpAll() that was kept with the sample.
std::string GoldenDump(const Sample& sample);
// The lines of checkpoints that were kept with it: of half of it, and of all.
std::vector<std::string> GoldenCheckpoints(const Sample& sample);

}  // namespace holdfast::journal
