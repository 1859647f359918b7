// SPDX-License-Identifier: Apache-2.0
//
// Bytes that nobody may see: cannot be copied, compared or printed by accident, and are wiped when
// they are not needed any more. What is made of them by hand (a file, a sealed box) is the maker's
// responsibility.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace holdfast::support {

// Overwrites memory so that no compiler leaves it out.
void Wipe(void* bytes, std::size_t size);

class SecretBytes {
 public:
  SecretBytes() = default;
  // `size` zero bytes, to be written through data().
  explicit SecretBytes(std::size_t size);
  static SecretBytes CopyOf(std::string_view bytes);

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  char* data() { return bytes_.get(); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // Valid while this is. The name says at each use what is being shown.
  std::string_view Reveal() const { return {bytes_.get(), size_}; }
  // Forgets the bytes from `size` on. REQUIRES: size <= size().
  void Shrink(std::size_t size);

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace holdfast::support
