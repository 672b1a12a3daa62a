#include "reward/math/equivalence.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace grpo {
namespace {

MathVerdict Verdict(const std::string& truth, const std::string& answer,
                    const MathPolicy& policy = MathPolicy()) {
  return CompareAnswers(ParseAnswer(truth), ParseAnswer(answer), policy).verdict;
}

struct Pair {
  const char* first;
  const char* second;
};

constexpr Pair kEqual[] = {
    // Numbers.
    {"7200", "7{,}200"},
    {"7200", "7,200"},
    {"7200", "7\\,200"},
    {"7200", "7 200"},
    {"7200", "7,\\! 200"},
    {"12345678", "12.345.678"},
    {"0.75", ".75"},
    {"-8", "−8"},
    {"3.5", "3,5"},
    {"4300", "4.3\\times10^3"},
    {"4300", "4.3e3"},
    {"\\frac29", "0.\\overline{2}"},
    {"\\frac16", "0.1\\dot6"},
    {"\\frac16", "0.1(6)"},
    {"\\frac34", "¾"},
    {"\\frac{7}{3}", "2\\frac13"},
    {"\\frac73", "2 1/3"},
    {"-\\frac73", "-2\\frac{1}{3}"},
    {"36", "３６"},
    {"36", "\\mathbf{36}."},
    {"\\frac{2}{7}", "\\nicefrac{2}{7}"},
    {"\\frac{2}{7}", "{2 \\over 7}"},
    {"9", "$9$"},
    {"9", "---9 + 18"},
    {"1/7", "0.142857142857142857"},
    // Expressions.
    {"\\sqrt5", "√5"},
    {"\\frac\\pi6", "\\pi/6"},
    {"pi/6", "\\frac{\\pi}{6}"},
    {"x²-1", "(x-1)(x+1)"},
    {"2\\sin x\\cos x", "\\sin 2x"},
    {"\\sin^2x", "(\\sin x)^2"},
    {"\\sin^{-1}x", "\\arcsin x"},
    {"\\sin 60^\\circ", "\\frac{\\sqrt3}{2}"},
    {"\\log_3 81", "4"},
    {"exp(2)-1", "e^2-1"},
    {"3 - 2i", "-2i+3"},
    {"abc", "cba"},
    {"\\binom73", "35"},
    {"\\lceil 2.1\\rceil", "3"},
    // Names.
    {"17", "x = 17"},
    {"17", "17 = x"},
    {"x = 17", "x = 9 + 8 = 17"},
    {"x \\approx 17", "17"},
    {"g(t) = t^2", "g(x) = x^2"},
    {"(u,v) = (4,9)", "(4,9)"},
    {"BC = 4, AD = 7", "4, 7"},
    {"x=2, x=5", "x \\in \\{5, 2\\}"},
    {"a=1,b=2;a=3,b=2", "(1,2),(3,2)"},
    {"y=4,x=3", "x=3,y=4"},
    {"3x - y = 2", "6x - 2y - 4 = 0"},
    {"V_1:V_2 = 2:7", "2:7"},
    // Collections.
    {"\\{4,5,6\\}", "6,5,4"},
    {"4, 5 and 6", "4,5,6"},
    {"\\pm 4", "-4, 4"},
    {"2 \\pm \\sqrt3", "2+\\sqrt3, 2-\\sqrt3"},
    {"(4;5)", "(4,5)"},
    {"\\langle 4,5\\rangle", "(4,5)"},
    {"\\varnothing", "\\emptyset"},
    {"(1,2)\\text{ or }(2,1)", "(2,1),(1,2)"},
    {"\\{7\\}", "7"},
    // Sets of real numbers.
    {"x > 4", "4 < x"},
    {"-x > -4", "x < 4"},
    {"2x + 1 \\le 9", "(-\\infty, 4]"},
    {"1 < t < 3", "(1,3)"},
    {"|x| \\le 2", "[-2,2]"},
    {"|x| > 2", "(-\\infty,-2)\\cup(2,\\infty)"},
    {"x \\ne 3", "(-\\infty,3)\\cup(3,\\infty)"},
    {"\\mathbb{R}\\setminus\\{3\\}", "x \\ne 3"},
    {"[0,1]\\cup[1,5)", "[0,5)"},
    {"x \\in [0,5)", "[0,5)"},
    {"\\{x : 0 < x < 5\\}", "(0,5)"},
    {"x < 1 \\text{ or } x > 2", "(-\\infty,1)\\cup(2,\\infty)"},
    // Matrices.
    {"\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
     "\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\\\ \\end{bmatrix}"},
    {"2\\begin{pmatrix}1\\\\3\\end{pmatrix}", "\\begin{pmatrix}2\\\\6\\end{pmatrix}"},
    {"\\left[\\begin{array}{cc}1&2\\end{array}\\right]", "\\begin{pmatrix}1&2\\end{pmatrix}"},
    {"3\\mathbf{i}-\\mathbf{j}", "(3,-1)"},
    // Units, marks, words.
    {"25", "25\\text{ cm}^2"},
    {"25\\text{ centimeters}", "25 cm"},
    {"\\$25", "25 dollars"},
    {"30^\\circ", "30"},
    {"30^\\circ", "30 degrees"},
    {"30^\\circ", "\\frac{\\pi}{6}"},
    {"20\\%", "20"},
    {"20\\%", "20 percent"},
    {"20\\%", "\\frac15"},
    {"5", "\\text{5 apples}"},
    {"D", "(D)"},
    {"D", "\\textbf{(D)}\\ 17"},
    {"17", "\\textbf{(D)}\\ 17"},
    {"\\text{North}", "north"},
    {"\\text{odd}", "odd"},
    {"DNE", "\\text{undefined}"},
    {"201_3", "201_{3}"},
    {"4{:}45", "4:45"},
    {"2:5", "6:15"}};

constexpr Pair kDifferent[] = {
    {"7200", "7,2,0,0"},
    {"1000", "1,00"},
    {"7, 200", "7207"},
    {"12", "1,2"},
    {"0.4", "40"},
    {"1", "0.99999999999999999999"},
    {"\\frac13", "0.333"},
    {"10^{-30}", "0"},
    {"10^{50}", "10^{50}+1"},
    {"\\pi", "3.14159265"},
    {"2", "2\\frac23"},
    {"10", "4 10/3"},
    {"\\sqrt2+\\sqrt7", "3"},
    {"|x|", "x"},
    {"x_1", "x_2"},
    {"f(x)", "f(y)"},
    {"x = 17", "y = 17"},
    {"17", "17 = 17"},
    {"0", "x + 3y = 0"},
    {"5a + c", "8 = 5a + c"},
    {"2x+y=3", "3"},
    {"x+y=3", "x+y=4"},
    {"4", "4, 5"},
    {"4", "4 or 5"},
    {"\\pm4", "4"},
    {"\\{4,5\\}", "\\{4,5,6\\}"},
    {"(4,5)", "(5,4)"},
    {"(4,5)", "\\{4,5\\}"},
    {"(4,5)", "[4,5]"},
    {"(4,5]", "(4,5)"},
    {"(4,5,6)", "(4,5)"},
    {"x > 4", "x \\ge 4"},
    {"x > 4", "x < 4"},
    {"x<1", "y<1"},
    {"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}"},
    {"10\\text{ cm}", "10\\text{ m}"},
    {"201_3", "201_4"},
    {"201_3", "201"},
    {"4:45", "5:45"},
    {"A", "B"},
    {"\\text{odd}", "\\text{even}"},
    {"0.5", "0.5\\%"},
    {"5", "\\text{five or six}"},
    {"x=1,y=2", "x=2,y=1"},
    {"42", "\\{n : 1 \\le n \\le 100\\}"},
    {"2:5", "2:6"}};

TEST(EquivalenceTest, FindsAnswersEqualThatSayTheSame) {
  for (const Pair& pair : kEqual) {
    EXPECT_EQ(Verdict(pair.first, pair.second), MathVerdict::kEqual)
        << pair.first << " | " << pair.second;
  }
}

TEST(EquivalenceTest, NeverTakesOneAnswerForAnother) {
  for (const Pair& pair : kDifferent) {
    EXPECT_NE(Verdict(pair.first, pair.second), MathVerdict::kEqual)
        << pair.first << " | " << pair.second;
  }
}

std::vector<std::string> AllTexts() {
  std::vector<std::string> texts;
  for (const Pair& pair : kEqual) texts.insert(texts.end(), {pair.first, pair.second});
  for (const Pair& pair : kDifferent) texts.insert(texts.end(), {pair.first, pair.second});
  return texts;
}

TEST(EquivalenceTest, IsReflexive) {
  for (const std::string& text : AllTexts()) {
    const ParsedAnswer parsed = ParseAnswer(text);
    if (!parsed.parsed()) continue;
    // A space keeps the texts from being the same, so that the trees are compared.
    ParsedAnswer other = ParseAnswer(" " + text + " ");
    other.text += " ";
    EXPECT_EQ(CompareAnswers(parsed, other, MathPolicy()).verdict, MathVerdict::kEqual) << text;
  }
}

TEST(EquivalenceTest, IsSymmetric) {
  const std::vector<std::string> texts = AllTexts();
  std::vector<ParsedAnswer> parsed;
  for (const std::string& text : texts) parsed.push_back(ParseAnswer(text));
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (!parsed[i].parsed() || !parsed[j].parsed()) continue;
      EXPECT_EQ(CompareAnswers(parsed[i], parsed[j], MathPolicy()).verdict,
                CompareAnswers(parsed[j], parsed[i], MathPolicy()).verdict)
          << texts[i] << " | " << texts[j];
    }
  }
}

// A random expression and another way to write the same tree.
struct Written {
  std::string latex, plain;
};

Written RandomExpression(int depth, std::mt19937* random) {
  const int choice = static_cast<int>((*random)() % (depth == 0 ? 2 : 7));
  const std::string number = std::to_string((*random)() % 9 + 1);
  const std::string name(1, "xyz"[(*random)() % 3]);
  if (choice == 0) return {number, number};
  if (choice == 1) return {name, name};
  const Written a = RandomExpression(depth - 1, random), b = RandomExpression(depth - 1, random);
  switch (choice) {
    case 2:
      return {"\\left(" + a.latex + "+" + b.latex + "\\right)",
              "(" + b.plain + " + " + a.plain + ")"};
    case 3:
      return {"\\left(" + a.latex + "\\right)\\cdot\\left(" + b.latex + "\\right)",
              "(" + a.plain + ")*(" + b.plain + ")"};
    case 4:
      return {"\\frac{" + a.latex + "}{" + b.latex + "}", "(" + a.plain + ")/(" + b.plain + ")"};
    case 5:
      return {"\\left(" + a.latex + "\\right)^{2}", "(" + a.plain + ")**2"};
    default:
      return {"\\left(" + a.latex + "-" + b.latex + "\\right)",
              "(" + a.plain + " - " + b.plain + ")"};
  }
}

TEST(EquivalenceTest, ReadsLatexAndPlainTextAlike) {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const Written written = RandomExpression(4, &random);
    const MathVerdict forth = Verdict(written.latex, written.plain);
    EXPECT_EQ(forth, Verdict(written.plain, written.latex)) << written.latex;
    // Division by zero is equal to nothing, not even surely to itself.
    if (forth == MathVerdict::kUndecided) continue;
    EXPECT_EQ(forth, MathVerdict::kEqual) << written.latex << " | " << written.plain;
    EXPECT_NE(Verdict(written.latex, written.plain + "+1/1000"), MathVerdict::kEqual)
        << written.plain;
  }
}

TEST(EquivalenceTest, FollowsItsPolicy) {
  MathPolicy policy;
  policy.precision = "truth_digits";
  EXPECT_EQ(Verdict("66.7", "\\frac{200}{3}", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("66.6", "\\frac{200}{3}", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("\\frac{200}{3}", "66.7", policy), MathVerdict::kEqual);
  policy = MathPolicy();
  policy.precision = "relative";
  policy.tolerance = 0.01;
  EXPECT_EQ(Verdict("\\frac{200}{3}", "66.7", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("\\frac{200}{3}", "68", policy), MathVerdict::kEqual);
  policy = MathPolicy();
  policy.degrees = policy.percent = policy.units = policy.inequality_for_interval = false;
  policy.ordered_lists = true;
  EXPECT_NE(Verdict("60^\\circ", "\\frac\\pi3", policy), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("60^\\circ", "60", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("\\frac12", "50\\%", policy), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("10 cm", "10\\text{ m}", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("4,5", "5,4", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("(1,2)", "1<x<2", policy), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("1<x<2", "(1,2)", policy), MathVerdict::kEqual);
}

TEST(EquivalenceTest, MatchesVariablesByOrderWhereNamesDoNotCount) {
  MathPolicy policy;
  EXPECT_NE(Verdict("f(x)", "f(y)", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("x^2-y", "a^2-b", policy), MathVerdict::kEqual);
  policy.variable_names = false;
  EXPECT_EQ(Verdict("f(x)", "f(y)", policy), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("x^2-y", "a^2-b", policy), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("x+y", "y+x", policy), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("-y+x^2", "x^2-y", policy), MathVerdict::kEqual);  // by their names
  EXPECT_NE(Verdict("x^2-y", "a^2-a", policy), MathVerdict::kEqual);
  EXPECT_NE(Verdict("x-y", "b^2-a", policy), MathVerdict::kEqual);
}

TEST(EquivalenceTest, TellsWhichSideItCannotRead) {
  EXPECT_EQ(Verdict("\\frac{1}{", "1"), MathVerdict::kUnparsedTruth);
  EXPECT_EQ(Verdict("1", "\\frac{1}{"), MathVerdict::kUnparsedAnswer);
  EXPECT_EQ(Verdict("1", ""), MathVerdict::kUnparsedAnswer);
}

// Found by fuzzing: several readings of both, and more to compare than is paid for.
TEST(EquivalenceTest, EndsAlikeBothWaysRoundWhenItGivesUp) {
  for (const auto& [a, b] : {std::pair("1=1,0\\cosx=1!", "1,1=0!"),
                             std::pair("1=1, 1=1,0\\\\cos^-b^-01x=1!", "x=2=1,01=0")}) {
    EXPECT_EQ(Verdict(a, b) == MathVerdict::kEqual, Verdict(b, a) == MathVerdict::kEqual) << a;
  }
}

TEST(EquivalenceTest, TakesOnlyOnePercentSignOff) {
  EXPECT_EQ(Verdict("3", "3\\%"), MathVerdict::kEqual);
  EXPECT_NE(Verdict("3", "3\\%\\%"), MathVerdict::kEqual);
  EXPECT_EQ(Verdict("0.0003", "3\\%\\%"), MathVerdict::kEqual);
  EXPECT_NE(Verdict("3", "3^\\circ\\%"), MathVerdict::kEqual);
}

TEST(EquivalenceTest, StaysWithinBoundsOnHostileAnswers) {
  std::string nested, roots, fractions = "x", list = "1", powers = "9";
  for (int i = 0; i < 5000; ++i) nested += "(";
  for (int i = 0; i < 1000; ++i) roots += "\\sqrt{";
  for (int i = 0; i < 190; ++i) fractions = "2\\frac{" + fractions + "}{3}";
  for (int i = 0; i < 3000; ++i) list += ",x";
  for (int i = 0; i < 100; ++i) powers += "^{9";
  for (const std::string& hostile :
       {nested, roots, fractions, list, powers + std::string(100, '}'), std::string("9^{9^{9^9}}"),
        std::string("(10^9)!"), std::string("\\sum_{k=1}^{10^{12}}\\frac1k"),
        std::string("(x+y+z+w)^{10000}"), std::string(20001, '-') + "4", std::string(9000, '7'),
        std::string(
            "\\text{\\text{\\text{\\text{\\text{\\text{\\text{\\text{\\text{\\text{a}}}}}}}}}}"),
        std::string("\\binom{10^9}{5\\cdot 10^8}"), std::string("\xFF\xFE\x80")}) {
    EXPECT_NE(Verdict("3", hostile), MathVerdict::kEqual) << hostile.substr(0, 40);
    EXPECT_NE(Verdict(hostile, "3"), MathVerdict::kEqual) << hostile.substr(0, 40);
  }
  EXPECT_EQ(Verdict("3", std::string(20000, '-') + "3"), MathVerdict::kEqual);
}

}  // namespace
}  // namespace grpo
