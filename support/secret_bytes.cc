// SPDX-License-Identifier: Apache-2.0
#include "support/secret_bytes.h"

#include <string.h>  // explicit_bzero

#include <algorithm>
#include <utility>

#include "support/check.h"

namespace holdfast::support {

void Wipe(void* bytes, std::size_t size) {
  if (size != 0) explicit_bzero(bytes, size);
}

SecretBytes::SecretBytes(std::size_t size)
    : bytes_(size == 0 ? nullptr : std::make_unique<char[]>(size)), size_(size), capacity_(size) {}

SecretBytes SecretBytes::CopyOf(std::string_view bytes) {
  SecretBytes copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.data());
  return copy;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept { *this = std::move(other); }

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  Wipe(bytes_.get(), capacity_);
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

SecretBytes::~SecretBytes() { Wipe(bytes_.get(), capacity_); }

void SecretBytes::Shrink(std::size_t size) {
  HF_CHECK(size <= size_);
  Wipe(bytes_.get() + size, size_ - size);
  size_ = size;
}

}  // namespace holdfast::support
