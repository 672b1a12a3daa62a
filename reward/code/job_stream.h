// The host's end of a job's socket: sends the job's frames and collects the answers, both without
// ever waiting. A frame is its size in 4 bytes, the lowest first, and as many bytes.
#pragma once

#include <string>
#include <vector>

#include "reward/code/descriptor.h"
#include "reward/code/sandbox.h"

namespace grpo {

class JobStream {
 public:
  JobStream(Descriptor socket, const SandboxJob& job, const SandboxLimits& limits);

  int descriptor() const { return socket_.get(); }  // -1 once the other side has closed it
  short events() const;                             // what poll() is to wait for
  // Sends and receives what can be had at once.
  void Advance(short ready);
  // Receives the rest, when the other side's processes are gone.
  void Drain();

  // Whether more came than the limits allow, or a frame that is none; nothing is read any more.
  bool too_long() const { return too_long_; }
  std::vector<std::string> TakeOutputs() { return std::move(outputs_); }

 private:
  void Send();
  bool Receive();  // whether something came
  void SplitFrames();

  Descriptor socket_;
  const size_t max_frame_bytes_, max_total_bytes_;
  std::string to_send_;
  size_t sent_ = 0;
  bool closed_for_sending_ = false;
  std::string received_;
  size_t total_received_ = 0;
  bool too_long_ = false;
  std::vector<std::string> outputs_;
};

}  // namespace grpo
