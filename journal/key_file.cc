// SPDX-License-Identifier: Apache-2.0
#include "journal/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "journal/files.h"
#include "support/secret_bytes.h"
#include "support/status_macros.h"

namespace holdfast::journal {
namespace {

using support::SecretBytes;

// Some hundred keys; a file that is larger is none of ours.
constexpr std::size_t kFileBytesMax = 64 << 10;
constexpr std::size_t kHexChars = 2 * kKeyBytes;
constexpr std::size_t kBase64Chars = 44;  // of 32 bytes, the '=' at the end included

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
  File file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), path);
  if (file.fd() < 0) return SystemError("open", path, errno);
  HF_RETURN_IF_ERROR(CheckPrivate(path, file.fd()));
  SecretBytes text(kFileBytesMax + 1);
  HF_ASSIGN_OR_RETURN(const std::size_t size, file.Read(text.data(), text.size()));
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

// The file's next content, `<path>.new`, and the right to put it in its place: who adds a key holds
// the draft locked from before the file is read until it has the draft's name, so that of two at
// once the second finds the key of the first. One that a killed process left, with all the keys, is
// taken over and written anew.
class Draft {
 public:
  // Waits for who holds it.
  static absl::StatusOr<Draft> Take(const std::string& path) {
    const std::string draft = path + ".new";
    while (true) {
      File file(open(draft.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                     S_IRUSR | S_IWUSR),
                draft);
      if (file.fd() < 0) return SystemError("make", draft, errno);
      HF_RETURN_IF_ERROR(CheckPrivate(draft, file.fd()));
      while (flock(file.fd(), LOCK_EX) != 0) {
        if (errno != EINTR) return SystemError("lock", draft, errno);
      }
      // Who held it may have given it the file's name or removed it meanwhile.
      struct stat locked {};
      struct stat named {};
      if (fstat(file.fd(), &locked) != 0) return SystemError("look at", draft, errno);
      if (stat(draft.c_str(), &named) != 0 || named.st_dev != locked.st_dev ||
          named.st_ino != locked.st_ino) {
        continue;
      }
      return Draft(std::move(file), draft);
    }
  }

  // Writes it whole and durably, then gives it the file's name. `replace`: there is one.
  absl::Status Become(const std::string& path, bool replace, std::string_view text) {
    if (ftruncate(file_.fd(), 0) != 0) return SystemError("empty", name_, errno);
    HF_RETURN_IF_ERROR(file_.Write(text));
    HF_RETURN_IF_ERROR(file_.Sync());
    HF_RETURN_IF_ERROR(replace ? Rename(name_, path) : RenameToFree(name_, path));
    name_.clear();  // from now on it may be the next one's
    return SyncDirectory(DirectoryOf(path));
  }

  // For errors. While it is locked, so that nobody else's is removed.
  void Remove() {
    if (!name_.empty()) journal::Remove(name_).IgnoreError();  // what failed before is told
  }

 private:
  Draft(File file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}
  File file_;
  std::string name_;
};

// REQUIRES: the draft of `path` is held.
absl::Status AddKeyTo(const std::string& path, const std::string& id, Draft& draft) {
  const absl::StatusOr<SecretBytes> text = ReadPrivate(path);
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  if (text.ok()) {
    HF_ASSIGN_OR_RETURN(const Keys keys, Parse(path, text->Reveal()));
    if (std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key->id == id; })) {
      return absl::AlreadyExistsError(
          fmt::format("the key file {} has a key of the id {} already; choose another", path, id));
    }
  }
  HF_ASSIGN_OR_RETURN(const SecretBytes extended,
                      WithNewKey(path, id, text.ok() ? text->Reveal() : std::string_view()));
  return draft.Become(path, text.ok(), extended.Reveal());
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
  HF_ASSIGN_OR_RETURN(Keys keys, Parse(path, text.Reveal()));
  if (keys.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: has no key; `journal-cli key new {}` makes one", path, path));
  }
  return keys;
}

absl::Status AddKey(const std::string& path, const std::string& id) {
  if (!IsKeyId(id)) {
    return absl::InvalidArgumentError(
        "a key's id is 1 to 32 characters of A-Z, a-z, 0-9, '.', '_' and '-'");
  }
  const std::string real = RealPath(path);  // the file itself is replaced, not a link to it
  HF_ASSIGN_OR_RETURN(Draft draft, Draft::Take(real));
  absl::Status added = AddKeyTo(real, id, draft);
  if (!added.ok()) draft.Remove();
  return added;
}

}  // namespace holdfast::journal
