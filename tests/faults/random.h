// SPDX-License-Identifier: Apache-2.0
//
// Numbers that a seed decides, the same with every compiler and library: what a cut leaves must be
// the same when it is run again. SplitMix64 (Steele, Lea, Flood 2014).
#pragma once

#include <cstdint>

namespace holdfast::faults {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  // In [0, bound). REQUIRES: bound > 0.
  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace holdfast::faults
