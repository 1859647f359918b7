// SPDX-License-Identifier: Apache-2.0
#include "journal/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "support/secret_bytes.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

using support::SecretBytes;

// Some hundred keys; a file that is larger is none of ours.
constexpr std::size_t kFileBytesMax = 64 << 10;
constexpr std::size_t kHexChars = 2 * kKeyBytes;
constexpr std::size_t kBase64Chars = 44;  // of 32 bytes, the '=' at the end included

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status SystemError(std::string_view what, const std::string& path, int error) {
  const std::string text =
      fmt::format("cannot {} the key file {}: {}", what, path, std::strerror(error));
  return error == ENOENT ? absl::NotFoundError(text) : absl::UnavailableError(text);
}

absl::Status CheckPrivate(const std::string& path, int fd) {
  struct stat found {};
  if (fstat(fd, &found) != 0) return SystemError("look at", path, errno);
  if (!S_ISREG(found.st_mode)) {
    return absl::FailedPreconditionError(
        fmt::format("the key file {} is not a regular file; name one", path));
  }
  if (found.st_uid != geteuid()) {
    return absl::FailedPreconditionError(
        fmt::format("the key file {} belongs to user {} and not to {}, who runs this; change its "
                    "owner",
                    path, found.st_uid, geteuid()));
  }
  const mode_t mode = found.st_mode & 07777;
  if (mode != 0600 && mode != 0400) {
    return absl::FailedPreconditionError(
        fmt::format("the key file {} has mode {:04o}; it must be for its owner alone: chmod 600 it",
                    path, mode));
  }
  return absl::OkStatus();
}

absl::StatusOr<SecretBytes> ReadPrivate(const std::string& path) {
  // Not blocking, in case that it is a pipe.
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return SystemError("open", path, errno);
  HF_RETURN_IF_ERROR(CheckPrivate(path, file.get()));
  SecretBytes text(kFileBytesMax + 1);
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read", path, errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kFileBytesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{}: has more than {} bytes, so it is no key file", path, kFileBytesMax));
  }
  text.Shrink(size);
  return text;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool FromHex(std::string_view text, Key& key) {
  if (text.size() != kHexChars) return false;
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    key.bytes[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return true;
}

bool FromBase64(std::string_view text, Key& key) {
  if (text.size() != kBase64Chars || text.back() != '=') return false;
  // OpenSSL's decoder would leave out white space and more padding; neither is in a key.
  const auto is_digit = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  };
  if (!std::all_of(text.begin(), text.end() - 1, is_digit)) return false;
  std::array<unsigned char, kKeyBytes + 1> decoded{};  // the decoder counts the padding as a byte
  const int size =
      EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  std::copy_n(decoded.begin(), kKeyBytes, key.bytes.begin());
  OPENSSL_cleanse(decoded.data(), decoded.size());
  return size == static_cast<int>(kKeyBytes + 1);
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Takes the next word off `text`; empty when there is none.
std::string_view TakeWord(std::string_view& text) {
  const auto begin = std::find_if_not(text.begin(), text.end(), IsSpace);
  const auto end = std::find_if(begin, text.end(), IsSpace);
  const std::string_view word = text.substr(static_cast<std::size_t>(begin - text.begin()),
                                            static_cast<std::size_t>(end - begin));
  text.remove_prefix(static_cast<std::size_t>(end - text.begin()));
  return word;
}

// nullptr: the line is empty or a comment. Errors say what is wrong, without file and line.
absl::StatusOr<std::unique_ptr<Key>> ParseLine(std::string_view line) {
  const std::string_view id = TakeWord(line);
  if (id.empty() || id.front() == '#') return nullptr;
  const std::string_view value = TakeWord(line);
  // An id that is wrong may be a key in the wrong place: it is not shown.
  if (!IsKeyId(id) || value.empty() || !TakeWord(line).empty()) {
    return absl::InvalidArgumentError(
        "a line is an id (letters, digits, '.', '_', '-') and a key, with a space between");
  }
  auto key = std::make_unique<Key>();
  key->id = std::string(id);
  if (!FromHex(value, *key) && !FromBase64(value, *key)) {
    return absl::InvalidArgumentError("the key is not 32 bytes in hexadecimal or base64");
  }
  return key;
}

absl::StatusOr<Keys> Parse(const std::string& path, std::string_view text) {
  Keys keys;
  std::set<std::string, std::less<>> ids;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    absl::StatusOr<std::unique_ptr<Key>> key = ParseLine(line);
    if (!key.ok()) {
      return absl::InvalidArgumentError(
          fmt::format("{}:{}: {}", path, number, std::string(key.status().message())));
    }
    if (*key == nullptr) continue;
    if (!ids.insert((*key)->id).second) {
      return absl::InvalidArgumentError(fmt::format(
          "{}:{}: there is a key of the id {} above already", path, number, (*key)->id));
    }
    keys.push_back(*std::move(key));
  }
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: has no key; `journal-cli key new {}` makes one", path, path));
  }
  return keys;
}

absl::StatusOr<SecretBytes> WithNewKey(const std::string& path, const std::string& id,
                                       std::string_view rest) {
  Key key;
  if (RAND_bytes(key.bytes.data(), static_cast<int>(key.bytes.size())) != 1) {
    return absl::UnavailableError(
        fmt::format("no random bytes are to be had for a key in {}", path));
  }
  SecretBytes text(id.size() + 1 + kHexChars + 1 + rest.size());
  char* out = std::copy(id.begin(), id.end(), text.data());
  *out++ = ' ';
  for (const unsigned char byte : key.bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    *out++ = kDigits[byte / 16];
    *out++ = kDigits[byte % 16];
  }
  *out++ = '\n';
  std::copy(rest.begin(), rest.end(), out);
  return text;
}

absl::Status WriteAll(const std::string& path, int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return SystemError("write", path, errno);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  if (fsync(fd) != 0) return SystemError("sync", path, errno);
  return absl::OkStatus();
}

// Written whole beside it, then given its name.
absl::Status WritePrivate(const std::string& path, bool replace, std::string_view text) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  std::string passing = path + ".XXXXXX";
  const Descriptor file(mkostemp(passing.data(), O_CLOEXEC));  // mode 0600
  if (file.get() < 0) return SystemError("make", path, errno);
  absl::Status written = WriteAll(path, file.get(), text);
  const unsigned flags = replace ? 0 : RENAME_NOREPLACE;
  if (written.ok() && renameat2(AT_FDCWD, passing.c_str(), AT_FDCWD, path.c_str(), flags) != 0) {
    written = SystemError("give its name to", path, errno);
  }
  if (!written.ok()) {
    unlink(passing.c_str());
    return written;
  }
  const Descriptor parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() < 0 || fsync(parent.get()) != 0) {
    return SystemError("sync the directory of", path, errno);
  }
  return absl::OkStatus();
}

}  // namespace

Key::~Key() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

bool IsKeyId(std::string_view id) {
  return !id.empty() && id.size() <= kKeyIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

absl::StatusOr<Keys> ReadKeyFile(const std::string& path) {
  HF_ASSIGN_OR_RETURN(const SecretBytes text, ReadPrivate(path));
  return Parse(path, text.Reveal());
}

absl::Status AddKey(const std::string& path, const std::string& id) {
  if (!IsKeyId(id)) {
    return absl::InvalidArgumentError(
        "a key's id is 1 to 32 characters of A-Z, a-z, 0-9, '.', '_' and '-'");
  }
  // The file itself is replaced, not a link to it.
  std::error_code error;
  const std::string real =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error).string();
  if (error) return absl::UnavailableError(fmt::format("{}: {}", path, error.message()));
  const absl::StatusOr<SecretBytes> text = ReadPrivate(real);
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  if (text.ok()) {
    HF_ASSIGN_OR_RETURN(const Keys keys, Parse(real, text->Reveal()));
    if (std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key->id == id; })) {
      return absl::AlreadyExistsError(
          fmt::format("the key file {} has a key of the id {} already; choose another", path, id));
    }
  }
  HF_ASSIGN_OR_RETURN(const SecretBytes extended,
                      WithNewKey(path, id, text.ok() ? text->Reveal() : std::string_view()));
  return WritePrivate(real, text.ok(), extended.Reveal());
}

}  // namespace holdfast::journal
