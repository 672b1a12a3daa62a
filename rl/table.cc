#include "rl/table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace grpo {
namespace {

size_t NumCharacters(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](unsigned char c) { return (c & 0xC0) != 0x80; });
}

std::string FormatRow(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t column = 0; column < widths.size(); ++column) {
    const std::string cell = column < cells.size() ? cells[column] : "";
    const std::string padding(widths[column] - NumCharacters(cell), ' ');
    absl::StrAppend(&line, column == 0 ? "" : "  ", column == 0 ? cell + padding : padding + cell);
  }
  absl::StripTrailingAsciiWhitespace(&line);
  return line + "\n";
}

std::string Percent(const absl::optional<double>& rate) {
  return rate ? absl::StrFormat("%.1f %%", 100 * *rate) : "-";
}

}  // namespace

std::string FormatTable(const std::vector<std::string>& header,
                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const std::string& cell : header) widths.push_back(NumCharacters(cell));
  for (const std::vector<std::string>& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], NumCharacters(row[i]));
  }
  std::vector<std::string> rule;
  for (size_t width : widths) rule.emplace_back(width, '-');
  std::string table = FormatRow(header, widths) + FormatRow(rule, widths);
  for (const std::vector<std::string>& row : rows) table += FormatRow(row, widths);
  return table;
}

std::string FormatPassRateChanges(const std::string& what,
                                  const std::vector<PassRateChange>& changes) {
  std::vector<std::vector<std::string>> rows;
  for (const PassRateChange& change : changes) {
    std::vector<std::string> row = {change.label, Percent(change.before), Percent(change.after)};
    if (change.before && change.after) {
      row.push_back(absl::StrFormat("%+.1f", 100 * (*change.after - *change.before)));
      row.push_back(
          absl::StrFormat("[%+.1f, %+.1f]", 100 * change.change_low, 100 * change.change_high));
    }
    rows.push_back(std::move(row));
  }
  return FormatTable({what, "before", "after", "change", "95 % interval"}, rows);
}

}  // namespace grpo
