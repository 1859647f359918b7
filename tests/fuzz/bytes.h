// SPDX-License-Identifier: Apache-2.0
//
// A fuzzer's input, taken apart from front to back. When it has run out everything is 0 or empty,
// so that every input means something and a longer one begins as the shorter did.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::fuzz {

class Bytes {
 public:
  Bytes(const std::uint8_t* input, std::size_t size)
      : rest_(reinterpret_cast<const char*>(input), size) {}

  bool empty() const { return rest_.empty(); }
  std::string_view Take(std::size_t most) {
    const std::string_view taken = rest_.substr(0, most);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  std::string TakeRest() { return std::string(Take(rest_.size())); }
  // Little-endian, of `size` bytes, at most 8.
  std::uint64_t TakeNumber(std::size_t size) {
    std::uint64_t number = 0;
    const std::string_view taken = Take(size);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      number |= std::uint64_t{static_cast<std::uint8_t>(taken[i])} << (8 * i);
    }
    return number;
  }
  // In [0, count); 0 when there is none.
  std::size_t TakeIndex(std::size_t size, std::size_t count) {
    const std::uint64_t number = TakeNumber(size);
    return count == 0 ? 0 : static_cast<std::size_t>(number % count);
  }
  // A length of one byte, then so many.
  std::string TakeText() { return std::string(Take(static_cast<std::size_t>(TakeNumber(1)))); }

 private:
  std::string_view rest_;
};

}  // namespace holdfast::fuzz
