// The page of result_page.html, in which @DATA@ stands for the JSON that it shows.
#pragma once

namespace grpo {

extern const char kResultPageHtml[];

}  // namespace grpo
