// SHA-256 digests: what a checkpoint's files, a prompt file and published weights are known by.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo {

// A digest over bytes that come in pieces.
// Example: Sha256 digest; digest.Update("a"); digest.Update("bc"); digest.Hex() ==
// Sha256Hex("abc").
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(absl::string_view bytes);
  // The digest of all bytes so far: 64 lower-case hexadecimal digits. More may follow.
  std::string Hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string Sha256Hex(absl::string_view bytes);

// Reads the file in pieces: constant memory.
absl::StatusOr<std::string> Sha256OfFile(const std::string& path);

}  // namespace grpo
