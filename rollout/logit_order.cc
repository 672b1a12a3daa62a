#include "rollout/logit_order.h"

#include <algorithm>
#include <cmath>

namespace grpo {
namespace {

// What is less than e^-32 times as likely as the best token shares the last bin.
constexpr int kNats = 32;

// Of a few tokens each, as long as walking over the bins costs less than sorting what is in one.
int BinsPerNat(int vocabulary_size) { return vocabulary_size < 2048 ? 8 : 64; }

float LargestOf(const float* values, int count) {
  constexpr int kLanes = 16;
  float tops[kLanes];
  std::fill_n(tops, kLanes, values[0]);
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane)
      tops[lane] = values[i + lane] > tops[lane] ? values[i + lane] : tops[lane];
  }
  float top = *std::max_element(tops, tops + kLanes);
  for (; i < count; ++i) top = std::max(top, values[i]);
  return top;
}

// Without an early end, so that it vectorises.
template <int kCount>
bool Holds(const int16_t* values, int16_t value) {
  int16_t holds = 0;
  for (int i = 0; i < kCount; ++i) holds |= static_cast<int16_t>(values[i] == value);
  return holds != 0;
}

}  // namespace

void LogitOrder::Assign(const float* logits, const float* probabilities, int n,
                        float inverse_temperature) {
  logits_ = logits;
  probabilities_ = probabilities;
  n_ = n;
  sorted_bin_ = -1;
  bin_of_.resize(n);
  // Rounding keeps the order: a larger logit is never in a later bin, equal ones are in one.
  const float top = LargestOf(logits, n), scale = inverse_temperature * BinsPerNat(n);
  const float last = BinsPerNat(n) * kNats - 1;
  for (int i = 0; i < n; ++i) {
    const float bin = (top - logits[i]) * scale;
    bin_of_[i] = static_cast<int16_t>(static_cast<int32_t>(bin < last ? bin : last));
  }
  FillBins();
}

void LogitOrder::FillBins() {
  bins_.assign(BinsPerNat(n_) * kNats, Bin());
  for (int i = 0; i < n_; ++i) {
    Bin& bin = bins_[bin_of_[i]];
    bin.mass += probabilities_[i];
    ++bin.count;
  }
}

LogitOrder::Prefix LogitOrder::All() const {
  const int bins = static_cast<int>(bins_.size());
  return {bins, 0, MassBefore(bins)};
}

LogitOrder::Prefix LogitOrder::First(int count) {
  int bin = 0, before = 0;
  while (before + bins_[bin].count < count) before += bins_[bin++].count;
  return PrefixIn(bin, count - before);
}

LogitOrder::Prefix LogitOrder::Reaching(double wanted, const Prefix& within) {
  Prefix reached;
  const int last = std::min<int>(within.bin, bins_.size() - 1);
  while (reached.bin < last && reached.mass + bins_[reached.bin].mass < wanted) {
    reached.mass += bins_[reached.bin++].mass;
  }
  const std::vector<int32_t>& tokens = Sorted(reached.bin);
  const int limit = reached.bin < within.bin ? static_cast<int>(tokens.size()) : within.place;
  do {
    reached.mass += probabilities_[tokens[reached.place++]];
  } while (reached.place < limit && reached.mass < wanted);
  return reached;
}

LogitOrder::Prefix LogitOrder::AtLeast(double share, const Prefix& within) {
  const double least = share * probabilities_[Sorted(0)[0]];
  // Rounding moves nothing by as much as a bin.
  const double bins = -std::log(share) * BinsPerNat(n_) + 1;
  int bin = static_cast<int>(std::min<double>({bins, bins_.size() - 1.0, 1.0 * within.bin}));
  while (bin > 0 && (bins_[bin].count == 0 || probabilities_[Sorted(bin)[0]] < least)) --bin;
  const std::vector<int32_t>& tokens = Sorted(bin);
  int place = bin < within.bin ? static_cast<int>(tokens.size()) : within.place;
  while (place > 1 && probabilities_[tokens[place - 1]] < least) --place;
  return PrefixIn(bin, place);
}

const std::vector<int32_t>& LogitOrder::Sorted(int bin) {
  if (bin == sorted_bin_) return sorted_;
  sorted_bin_ = bin;
  sorted_.clear();
  constexpr int kBlock = 32;
  for (int begin = 0; begin < n_; begin += kBlock) {
    const int end = std::min(begin + kBlock, n_);
    if (end - begin == kBlock && !Holds<kBlock>(bin_of_.data() + begin, bin)) continue;
    for (int i = begin; i < end; ++i) {
      if (bin_of_[i] == bin) sorted_.push_back(i);
    }
  }
  std::sort(sorted_.begin(), sorted_.end(), [&](int32_t a, int32_t b) {
    return logits_[a] != logits_[b] ? logits_[a] > logits_[b] : a < b;
  });
  return sorted_;
}

double LogitOrder::MassBefore(int bin) const {
  double mass = 0;
  for (int b = 0; b < bin; ++b) mass += bins_[b].mass;
  return mass;
}

// Its mass is summed as Reaching() sums it, so that a share of it lies inside.
LogitOrder::Prefix LogitOrder::PrefixIn(int bin, int place) {
  Prefix prefix{bin, place, MassBefore(bin)};
  const std::vector<int32_t>& tokens = Sorted(bin);
  for (int i = 0; i < place; ++i) prefix.mass += probabilities_[tokens[i]];
  return prefix;
}

}  // namespace grpo
