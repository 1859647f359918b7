// SPDX-License-Identifier: Apache-2.0
//
// What the journal's tests share: batches in one line, a whole journal as values to compare, and a
// way into the file past the journal, to damage it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "holdfast/journal/v1/journal.pb.h"
#include "journal/journal.h"

namespace holdfast::journal {

Options OptionsFor(const std::string& path);
// Aborts the test program when it cannot be opened.
std::unique_ptr<Journal> OpenJournal(const std::string& path);

Batch EventBatch(std::string sandbox_id, std::uint64_t expected_sequence, std::size_t events = 1,
                 std::string_view payload = "payload");
Batch BatchOf(std::string sandbox_id, std::uint64_t expected_sequence, std::vector<Draft> drafts);

v1::Resource MakeResource(std::string_view kind, std::string_view name,
                          std::string_view handle = "");
v1::Intent ForwardIntent(std::string_view participant, std::string_view key,
                         const std::vector<v1::Resource>& claims);
v1::Intent UndoIntent(std::string_view participant, std::string_view key, std::uint64_t undoes);
v1::Outcome MakeOutcome(std::uint64_t intent, v1::Outcome::Verdict verdict, bool closes,
                        const std::vector<v1::Resource>& resources = {});

std::vector<Record> ReadAll(Reader& reader, std::string_view sandbox_id);
std::vector<Record> ReadTailAll(Reader& reader);

// One line per record, row, open intent and ledger row: equal texts are equal journals.
std::string Dump(Reader& reader);
// One line per damage: "kind sandbox position sequence".
std::string Summary(const VerifyReport& report);

// Runs SQL in the file with a connection of its own, as an intruder would.
void Meddle(const std::string& path, const std::string& sql);
// Every row of a query, columns joined with '|'; blobs in hexadecimal.
std::vector<std::string> QueryRows(const std::string& path, const std::string& sql);

std::string ReadBytes(const std::string& path);
void WriteBytes(const std::string& path, std::string_view bytes);

}  // namespace holdfast::journal
