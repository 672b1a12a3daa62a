#include "policy/pre_tokenizer_names.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "data/json.h"
#include "data/regex.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

// GPT-2's words, which ByteLevel cuts by itself.
constexpr char kGpt2[] =
    R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re";

// Llama 3's words, and Qwen2's, which take digits one by one.
constexpr char kLlama3[] =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)re"
    R"re(|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr char kQwen2[] =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)re"
    R"re(|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// Mistral's.
constexpr char kTekken[] =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)re"
    R"re(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)re"
    R"re(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// Kimi K2's: runs of Han characters, and words without any.
constexpr char kKimi[] =
    R"re(\p{Han}+)re"
    R"re(|[^\r\n\p{L}\p{N}]?(?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])*)re"
    R"re((?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)re"
    R"re(|[^\r\n\p{L}\p{N}]?(?:(?!\p{Han})[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])+)re"
    R"re((?:(?!\p{Han})[\p{Ll}\p{Lm}\p{Lo}\p{M}])*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)re"
    R"re(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// DeepSeek-V3's: numbers and Chinese or Japanese apart, then words.
constexpr char kCjk[] = "[一-龥぀-ゟ゠-ヿ]+";
constexpr char kDeepseekV3[] =
    R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)re"
    R"re(| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";

// DeepSeek-LLM's and -V2's letters: those of alphabets with two cases.
constexpr char kCasedLetters[] =
    R"re(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-Ρ)re"
    R"re(Σ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ)re"
    R"re(-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼι)re"
    R"re(ῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝ)re"
    R"re(ℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮ)re"
    R"re(ⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ)re"
    R"re(-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)re";

std::vector<KnownPreTokenizer> MakeTable() {
  return {
      {{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "mpt", "olmo", "jais", "trillion",
        "exaone4"},
       {kGpt2}},
      {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"},
       {"\\p{N}", kGpt2}},
      {{"qwen2", "deepseek-r1-qwen", "megrez", "stablelm2", "hunyuan"}, {kQwen2}},
      {{"llama-bpe", "llama3", "llama-v3", "falcon3", "glm4", "glm5", "pixtral"},
       {kLlama3},
       /*ignore_merges=*/true},
      {{"dbrx", "smaug-bpe", "chatglm-bpe"}, {kLlama3}},
      {{"deepseek-v3", "hunyuan-dense", "joyai-llm"}, {"\\p{N}{1,3}", kCjk, kDeepseekV3}},
      {{"deepseek-llm"},
       {"[\\r\\n]", kCasedLetters, "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$",
        "[一-龥ࠀ-一가-퟿]+", "\\p{N}+"}},
      {{"deepseek-coder"},
       {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-퟿]+", "\\p{N}"}},
      {{"tekken"}, {kTekken}, /*ignore_merges=*/true},
      {{"kimi-k2"}, {kKimi}},
      // What llama.cpp does with files older than the key.
      {{"default"}, {"[\\p{P}\\$\\+<=>\\^~\\|]+", kGpt2, "\\p{N}+", "[0-9][0-9][0-9]"}},
  };
}

const std::vector<KnownPreTokenizer>& Table() {
  static const auto* const table = new std::vector<KnownPreTokenizer>(MakeTable());
  return *table;
}

// Published files write line ends as they are, or as escapes.
std::string Canonical(const std::string& pattern) {
  return absl::StrReplaceAll(pattern, {{"\r", "\\r"}, {"\n", "\\n"}});
}

absl::Status Unknown(const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("pre_tokenizer: ", problem));
}

std::string TypeOf(const json& step) {
  const auto found = step.is_object() ? step.find("type") : step.end();
  return step.is_object() && found != step.end() && found->is_string() ? found->get<std::string>()
                                                                       : "";
}

absl::Status AppendPatterns(const json& step, std::vector<std::string>& patterns) {
  const std::string type = TypeOf(step);
  if (type == "Sequence" && step.contains("pretokenizers")) {
    for (const json& inner : step["pretokenizers"])
      RETURN_IF_ERROR(AppendPatterns(inner, patterns));
    return absl::OkStatus();
  }
  if (type == "Digits") {
    patterns.push_back(step.value("individual_digits", json()) == true ? "\\p{N}" : "\\p{N}+");
    return absl::OkStatus();
  }
  if (type == "ByteLevel") {
    if (step.value("add_prefix_space", json()) != false) return Unknown("add_prefix_space is set");
    if (step.value("use_regex", json()) != false) patterns.push_back(kGpt2);
    return absl::OkStatus();
  }
  const json pattern = step.is_object() ? step.value("pattern", json()) : json();
  const bool regex =
      pattern.is_object() && pattern.contains("Regex") && pattern["Regex"].is_string();
  if (type != "Split" || !regex || step.value("behavior", json()) != "Isolated" ||
      step.value("invert", json(false)) != false) {
    return Unknown(
        absl::StrCat("the step \"", QuoteForMessage(type), "\" is not one of llama.cpp's"));
  }
  patterns.push_back(Canonical(pattern["Regex"].get<std::string>()));
  return absl::OkStatus();
}

// Whether a token's bytes lie within one character, or hold none that `separated` finds.
absl::StatusOr<bool> StaysTogether(const std::string& token, const Regex& separated) {
  size_t starts = 0;  // of characters behind the first byte
  for (size_t i = 1; i < token.size(); ++i) {
    starts += (static_cast<unsigned char>(token[i]) & 0xc0) != 0x80;
  }
  if (starts == 0) return true;
  return IsUtf8(token) && separated.FindAll(token).empty();
}

// DeepSeek-V3's words with digits cut one by one differ from deepseek-v3 in what groups digits
// and sets Chinese and Japanese apart: the tokens are the same where none joins such characters
// with others.
absl::StatusOr<bool> IsDeepseekV3ByDigits(const std::vector<std::string>& patterns,
                                          const std::vector<std::string>& merged_tokens) {
  if (patterns != std::vector<std::string>{"\\p{N}", kDeepseekV3}) return false;
  ASSIGN_OR_RETURN(const Regex separated, Regex::Compile(absl::StrCat("\\p{N}|", kCjk)));
  for (const std::string& token : merged_tokens) {
    ASSIGN_OR_RETURN(const bool together, StaysTogether(token, separated));
    if (!together) return false;
  }
  return true;
}

}  // namespace

const KnownPreTokenizer* FindPreTokenizer(absl::string_view name) {
  for (const KnownPreTokenizer& known : Table()) {
    if (std::find(known.names.begin(), known.names.end(), name) != known.names.end()) return &known;
  }
  return nullptr;
}

json PreTokenizerToJson(const KnownPreTokenizer& known) {
  json steps = json::array();
  // GPT-2's pattern at the end is what ByteLevel does by itself.
  const bool use_regex = known.patterns.back() == kGpt2;
  for (size_t i = 0; i + use_regex < known.patterns.size(); ++i) {
    if (known.patterns[i] == "\\p{N}") {
      steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
      continue;
    }
    steps.push_back({{"type", "Split"},
                     {"pattern", {{"Regex", known.patterns[i]}}},
                     {"behavior", "Isolated"},
                     {"invert", false}});
  }
  const json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", use_regex}};
  if (steps.empty()) return byte_level;
  steps.push_back(byte_level);
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

absl::StatusOr<std::string> NameOfPreTokenizer(const json& pre_tokenizer, bool ignore_merges,
                                               const std::vector<std::string>& merged_tokens) {
  std::vector<std::string> patterns;
  RETURN_IF_ERROR(AppendPatterns(pre_tokenizer, patterns));
  for (const KnownPreTokenizer& known : Table()) {
    if (known.patterns == patterns && known.ignore_merges == ignore_merges) return known.names[0];
  }
  ASSIGN_OR_RETURN(const bool by_digits, IsDeepseekV3ByDigits(patterns, merged_tokens));
  if (by_digits && !ignore_merges) return "deepseek-v3";
  return Unknown(absl::StrCat("none of llama.cpp's cuts text by ",
                              absl::StrJoin(patterns, " then "),
                              ignore_merges ? ", with ignore_merges" : ""));
}

}  // namespace grpo
