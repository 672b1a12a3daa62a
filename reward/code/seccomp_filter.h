// The system calls that processes of a sandbox may make.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace grpo {

enum class SeccompProfile {
  kInterpreter,  // one process with threads; starts no program
  kProgram,      // one process with threads; may start a program in its place
  kCompiler,     // starts processes, changes the mode of its files
};

// A filter in the kernel's form (struct sock_filter[]). Everything that is not on the profile's
// list fails with ENOSYS, as on a kernel that lacks the call: no sockets but pairs, no ptrace, no
// namespaces, no mounts, no keys, no bpf, no System V memory. `signals`: whether signals may be
// sent; only where a process namespace holds whom they can reach.
absl::StatusOr<std::string> SeccompFilter(SeccompProfile profile, bool signals);

}  // namespace grpo
