// SPDX-License-Identifier: Apache-2.0
//
// Files that a test generates and the repository keeps. With HOLDFAST_REWRITE_GOLDEN=1 in the
// environment they are written instead of compared; read every changed line before committing.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::tests {

// The content of a file of the source tree; empty when it is not there.
std::string ReadSourceFile(std::string_view path_from_root);

// Fails the running test, with the first line that differs, unless the file holds exactly `text`.
void ExpectGolden(std::string_view path_from_root, const std::string& text);

// Whether ExpectGolden writes.
bool RewritingGolden();

}  // namespace holdfast::tests
