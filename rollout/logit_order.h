// The vocabulary by falling logit, equal logits by rising id, of which only the stretches that are
// asked for get sorted: tokens lie in narrow bins of their logit, and a question about the order
// walks over whole bins to the one that holds the answer.
#pragma once

#include <cstdint>
#include <vector>

namespace grpo {

class LogitOrder {
 public:
  // The first tokens of the order: those of the bins before `bin`, and the first `place` of it.
  struct Prefix {
    int bin = 0;
    int place = 0;
    double mass = 0;  // sum of their probabilities
  };

  // [n] each; read until the next call. No logit is NaN, and the largest is finite. Probabilities
  // rise with the logits.
  void Assign(const float* logits, const float* probabilities, int n, float inverse_temperature);

  Prefix All() const;
  // The first `count`; 0 < count < n.
  Prefix First(int count);
  // The shortest that has this mass, inside `within`. wanted <= within.mass; never empty.
  Prefix Reaching(double wanted, const Prefix& within);
  // `within` without the tokens at its end that have less than this share of the best one's
  // probability. 0 < share <= 1; never empty.
  Prefix AtLeast(double share, const Prefix& within);

  // The last token of a prefix other than All().
  int32_t Last(const Prefix& prefix) { return Sorted(prefix.bin)[prefix.place - 1]; }

 private:
  struct Bin {
    double mass = 0;
    int count = 0;
  };

  void FillBins();
  const std::vector<int32_t>& Sorted(int bin);
  double MassBefore(int bin) const;
  Prefix PrefixIn(int bin, int place);

  const float* logits_ = nullptr;
  const float* probabilities_ = nullptr;
  int n_ = 0;
  std::vector<Bin> bins_;
  std::vector<int16_t> bin_of_;  // [n]
  std::vector<int32_t> sorted_;  // the tokens of sorted_bin_
  int sorted_bin_ = -1;
};

}  // namespace grpo
