#include "reward/code/job_stream.h"

#include <cerrno>
#include <cstdint>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace grpo {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr size_t kReportBytes = 4096;  // what a frame holds beside an output

void AppendFrame(const std::string& content, std::string* frames) {
  const uint32_t size = static_cast<uint32_t>(content.size());
  for (int shift = 0; shift < 32; shift += 8) frames->push_back(static_cast<char>(size >> shift));
  frames->append(content);
}

uint32_t FrameSize(const char* header) {
  uint32_t size = 0;
  for (int i = 3; i >= 0; --i) size = size << 8 | static_cast<uint8_t>(header[i]);
  return size;
}

}  // namespace

JobStream::JobStream(Descriptor socket, const SandboxJob& job, const SandboxLimits& limits)
    : socket_(std::move(socket)),
      // Text grows to at most six bytes a character in JSON ("\u0000").
      max_frame_bytes_(6 * static_cast<size_t>(limits.output_bytes) + kReportBytes),
      max_total_bytes_(static_cast<size_t>(limits.total_output_bytes)) {
  AppendFrame(job.source, &to_send_);
  for (const std::string& input : job.inputs) AppendFrame(input, &to_send_);
}

short JobStream::events() const {
  if (too_long_) return 0;
  return closed_for_sending_ ? POLLIN : POLLIN | POLLOUT;
}

void JobStream::Advance(short ready) {
  if (too_long_) {
    socket_.Close();
    return;
  }
  if ((ready & POLLOUT) != 0) Send();
  if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) Receive();
}

void JobStream::Send() {
  const ssize_t size = send(socket_.get(), to_send_.data() + sent_, to_send_.size() - sent_,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
  const bool waits = size < 0 && (errno == EAGAIN || errno == EINTR);
  if (size > 0) sent_ += static_cast<size_t>(size);
  if ((size < 0 && !waits) || sent_ == to_send_.size()) {
    shutdown(socket_.get(), SHUT_WR);
    closed_for_sending_ = true;
  }
}

bool JobStream::Receive() {
  char buffer[65536];
  const ssize_t size = recv(socket_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size <= 0) {
    socket_.Close();
    return false;
  }
  total_received_ += static_cast<size_t>(size);
  received_.append(buffer, static_cast<size_t>(size));
  SplitFrames();
  return !too_long_;
}

void JobStream::Drain() {
  while (socket_.open() && Receive()) {
  }
}

void JobStream::SplitFrames() {
  size_t start = 0;
  while (received_.size() - start >= kHeaderBytes && !too_long_) {
    const size_t size = FrameSize(received_.data() + start);
    too_long_ = size > max_frame_bytes_;
    if (too_long_ || received_.size() - start - kHeaderBytes < size) break;
    outputs_.push_back(received_.substr(start + kHeaderBytes, size));
    start += kHeaderBytes + size;
  }
  received_.erase(0, start);
  too_long_ = too_long_ || total_received_ > max_total_bytes_;
}

}  // namespace grpo
