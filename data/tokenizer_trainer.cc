// Tokenizer::Train: learns byte-pair merges from texts.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/added_tokens.h"
#include "data/byte_alphabet.h"
#include "data/check.h"
#include "data/json.h"
#include "data/pre_tokenizer.h"
#include "data/status_macros.h"
#include "data/tokenizer.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int kMaxVocabularySize = 1 << 20;
// A pair that occurs once teaches nothing about the language.
constexpr int64_t kMinPairCount = 2;

// DeepSeek-V3's words (its tokenizer.json, third Split): punctuation with the letters after it,
// letters with the character before them, punctuation with the line ends after it, line ends, white
// space.
constexpr char kWordPattern[] =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
    R"(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

json PreTokenizerJson() {
  const auto split = [](const char* pattern) {
    return json{{"type", "Split"},
                {"pattern", {{"Regex", pattern}}},
                {"behavior", "Isolated"},
                {"invert", false}};
  };
  const json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", false}};
  return {{"type", "Sequence"},
          {"pretokenizers", json::array({split("\\p{N}"), split(kWordPattern), byte_level})}};
}

// A distinct word of the texts.
struct Word {
  std::vector<int32_t> symbols;  // its tokens so far
  int64_t count;                 // in all texts
};

// Finds the most frequent pair of neighbouring tokens and merges it, again and again. Keeps the
// count of every pair up to date by what each merge changes.
class PairMerger {
 public:
  using Pair = std::pair<int32_t, int32_t>;

  explicit PairMerger(std::vector<Word> words) : words_(std::move(words)) {
    for (size_t i = 0; i < words_.size(); ++i) {
      const std::vector<int32_t>& symbols = words_[i].symbols;
      for (size_t j = 0; j + 1 < symbols.size(); ++j) {
        Change({symbols[j], symbols[j + 1]}, words_[i].count, i);
      }
    }
    NoteChanges();
  }

  // The most frequent pair, that of the lower ids where several are; false when none occurs often
  // enough.
  bool MostFrequent(Pair* pair) {
    while (!heap_.empty()) {
      const Candidate best = heap_.front();
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.pop_back();
      const auto found = pairs_.find(best.pair);
      if (found == pairs_.end() || found->second.count != best.count) continue;  // out of date
      *pair = best.pair;
      return true;
    }
    return false;
  }

  void Merge(Pair pair, int32_t result) {
    const std::vector<int32_t> places = std::move(pairs_[pair].words);
    for (const int32_t place : places) MergeInWord(pair, result, place);
    pairs_.erase(pair);  // no occurrence is left
    NoteChanges();
  }

 private:
  struct PairInfo {
    int64_t count = 0;
    std::vector<int32_t> words;  // where it occurs, or did
  };
  struct Candidate {
    int64_t count;
    Pair pair;
    bool operator<(const Candidate& other) const {
      return count != other.count ? count < other.count : pair > other.pair;
    }
  };

  void Change(Pair pair, int64_t change, int32_t word) {
    PairInfo& info = pairs_[pair];
    info.count += change;
    if (change > 0 && (info.words.empty() || info.words.back() != word)) {
      info.words.push_back(word);
    }
    changed_.push_back(pair);
  }

  // Replaces the pair in one word and corrects the counts of the pairs on either side.
  void MergeInWord(Pair pair, int32_t result, int32_t place) {
    std::vector<int32_t>& symbols = words_[place].symbols;
    const int64_t count = words_[place].count;
    size_t kept = 0;  // symbols written back
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (i + 1 == symbols.size() || symbols[i] != pair.first || symbols[i + 1] != pair.second) {
        symbols[kept++] = symbols[i];
        continue;
      }
      if (kept > 0) {
        Change({symbols[kept - 1], pair.first}, -count, place);
        Change({symbols[kept - 1], result}, count, place);
      }
      if (i + 2 < symbols.size()) {
        Change({pair.second, symbols[i + 2]}, -count, place);
        Change({result, symbols[i + 2]}, count, place);
      }
      symbols[kept++] = result;
      ++i;
    }
    symbols.resize(kept);
  }

  // Puts the changed pairs on the heap with their present counts; older entries of theirs are out
  // of date.
  void NoteChanges() {
    std::sort(changed_.begin(), changed_.end());
    changed_.erase(std::unique(changed_.begin(), changed_.end()), changed_.end());
    for (const Pair& pair : changed_) {
      const auto found = pairs_.find(pair);
      if (found == pairs_.end() || found->second.count < kMinPairCount) continue;
      heap_.push_back({found->second.count, pair});
      std::push_heap(heap_.begin(), heap_.end());
    }
    changed_.clear();
  }

  std::vector<Word> words_;
  absl::flat_hash_map<Pair, PairInfo> pairs_;
  std::vector<Candidate> heap_;  // the most frequent first
  std::vector<Pair> changed_;    // since NoteChanges()
};

// The vocabulary in the making.
class Trainer {
 public:
  absl::Status AddSpecialTokens(const std::vector<std::string>& tokens, bool special);
  absl::Status Learn(const std::vector<std::string>& texts, int vocabulary_size);
  json ToJson() const;

 private:
  absl::StatusOr<std::vector<Word>> CountWords(const std::vector<std::string>& texts) const;
  absl::Status AddBytes();

  std::vector<AddedToken> added_;
  std::vector<std::string> tokens_;     // by id; as a tokenizer.json writes them
  std::map<std::string, int32_t> ids_;  // the inverse
  std::vector<std::string> merges_;
};

absl::Status Trainer::AddSpecialTokens(const std::vector<std::string>& tokens, bool special) {
  for (const std::string& text : tokens) {
    const int32_t id = static_cast<int32_t>(tokens_.size());
    if (text.empty() || !IsUtf8(text)) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot train a tokenizer: the special token \"", QuoteForMessage(text),
                       "\" is empty or not UTF-8"));
    }
    if (!ids_.emplace(text, id).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot train a tokenizer: the special token \"", QuoteForMessage(text),
                       "\" is given twice"));
    }
    tokens_.push_back(text);
    added_.push_back({id, text, special, /*normalized=*/false});
  }
  return absl::OkStatus();
}

absl::Status Trainer::AddBytes() {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = ToByteAlphabet(std::string(1, static_cast<char>(byte)));
    if (!ids_.emplace(text, tokens_.size()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot train a tokenizer: the special token \"", QuoteForMessage(text),
                       "\" is how the file writes the byte ", byte, "; choose a longer one"));
    }
    tokens_.push_back(text);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Word>> Trainer::CountWords(const std::vector<std::string>& texts) const {
  ASSIGN_OR_RETURN(const PreTokenizer pre_tokenizer,
                   PreTokenizer::FromJson(PreTokenizerJson(), "trained tokenizer"));
  const AddedTokenFinder finder(added_);
  absl::flat_hash_map<std::string, int64_t> counts;
  for (const std::string& text : texts) {
    const std::string valid = ReplaceInvalidUtf8(text);
    finder.Split(
        valid,
        [&](absl::string_view piece) {
          pre_tokenizer.Split(piece, /*at_start=*/piece.data() == valid.data(),
                              [&](absl::string_view word) { ++counts[word]; });
        },
        [](int32_t) {});
  }
  const int32_t first_byte = static_cast<int32_t>(added_.size());
  std::vector<Word> words;
  words.reserve(counts.size());
  for (const auto& [bytes, count] : counts) {
    Word& word = words.emplace_back(Word{{}, count});
    for (const unsigned char byte : bytes) word.symbols.push_back(first_byte + byte);
  }
  return words;
}

absl::Status Trainer::Learn(const std::vector<std::string>& texts, int vocabulary_size) {
  RETURN_IF_ERROR(AddBytes());
  const int smallest = static_cast<int>(tokens_.size());
  if (vocabulary_size < smallest || vocabulary_size > kMaxVocabularySize) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot train a tokenizer of ", vocabulary_size, " tokens: expected ", smallest,
        " (256 bytes and ", added_.size(), " special tokens) to ", kMaxVocabularySize));
  }
  ASSIGN_OR_RETURN(std::vector<Word> words, CountWords(texts));
  PairMerger merger(std::move(words));
  while (static_cast<int>(tokens_.size()) < vocabulary_size) {
    PairMerger::Pair pair;
    if (!merger.MostFrequent(&pair)) {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot train a tokenizer of ", vocabulary_size, " tokens: the texts give ",
                       tokens_.size(), "; give more text or ask for at most so many tokens"));
    }
    const std::string text = tokens_[pair.first] + tokens_[pair.second];
    // Two pairs may spell the same bytes ("aa"+"a" and "a"+"aa"); the first one found has the
    // token.
    if (!ids_.emplace(text, tokens_.size()).second) continue;
    merges_.push_back(absl::StrCat(tokens_[pair.first], " ", tokens_[pair.second]));
    merger.Merge(pair, static_cast<int32_t>(tokens_.size()));
    tokens_.push_back(text);
  }
  return absl::OkStatus();
}

json Trainer::ToJson() const {
  json added = json::array();
  for (const AddedToken& token : added_) {
    added.push_back({{"id", token.id},
                     {"content", token.text},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", token.normalized},
                     {"special", token.special}});
  }
  const json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", false}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", nullptr},
          {"pre_tokenizer", PreTokenizerJson()},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", ids_},
            {"merges", merges_}}}};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer>> Tokenizer::Train(
    const std::vector<std::string>& texts, int vocabulary_size,
    const std::vector<std::string>& special_tokens,
    const std::vector<std::string>& visible_tokens) {
  Trainer trainer;
  RETURN_IF_ERROR(trainer.AddSpecialTokens(special_tokens, /*special=*/true));
  RETURN_IF_ERROR(trainer.AddSpecialTokens(visible_tokens, /*special=*/false));
  RETURN_IF_ERROR(trainer.Learn(texts, vocabulary_size));
  return FromJson(trainer.ToJson().dump(1, ' '), "trained tokenizer");
}

}  // namespace grpo
