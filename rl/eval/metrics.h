// How good a policy is at a problem, from n completions of it.
#pragma once

#include <vector>

namespace grpo {

// pass@k: the chance that at least one of k completions, drawn from the n without replacement, is
// right: 1 - C(n - correct, k) / C(n, k) (Chen et al. 2021, "Evaluating Large Language Models
// Trained on Code", equation 1). Unbiased. 0 <= correct <= n, 1 <= k <= n.
double PassAtK(int n, int correct, int k);

// G-Pass@k_tau: the chance that at least ceil(tau k), and at least one, of k completions drawn from
// the n without replacement are right (Liu et al. 2024, "Are Your LLMs Capable of Stable
// Reasoning?", equation 3). tau from 0, which is pass@k, to 1, where all k must be right.
double GPassAtK(int n, int correct, int k, double tau);

// mG-Pass@k: the mean of G-Pass@k_tau over tau from 1/2 to 1, as a sum over i/k (the same,
// equation 5).
double MeanGPassAtK(int n, int correct, int k);

// A completion's answer as a vote: completions of one class gave the same answer.
struct Vote {
  int answer = -1;  // its class, from 0; -1: no answer, which is no vote
  bool correct = false;
};

// maj@k: whether the answer that most of the votes are for is right. Answers with as many votes
// share the point: 1/t where one of t is right. 0 without a vote. Where the votes of a class are
// not all right or all wrong, its share of right ones counts.
double Majority(const std::vector<Vote>& votes);

// maj@k for k < n: the mean of Majority over the first k votes, the k after them, and so on; what
// is left over at the end is left out. 1 <= k <= votes.size().
double MajorityAtK(const std::vector<Vote>& votes, int k);

}  // namespace grpo
