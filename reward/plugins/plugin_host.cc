// grpo_plugin_host: the program's companion for rewards in processes of their own.
//
//   grpo_plugin_host PLUGIN [CONFIG]        scores with a plugin of reward/plugin.h, in the
//   protocol
//                                           of reward/plugins/messages.h
//   grpo_plugin_host --supervise COMMAND…   see reward/plugins/supervisor.h
#include <cstdlib>
#include <memory>
#include <string>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reward/plugins/loaded_plugin.h"
#include "reward/plugins/messages.h"
#include "reward/plugins/supervisor.h"

namespace grpo {
namespace {

// The protocol moves to descriptors of its own: what the plugin prints goes to standard error, and
// it finds nothing to read on standard input.
FILE* TakeStandardInput() {
  const int questions = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (questions < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) return nullptr;
  close(nothing);
  return fdopen(questions, "r");
}

FILE* TakeStandardOutput() {
  const int answers = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  if (answers < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return nullptr;
  return fdopen(answers, "w");
}

bool WriteLine(FILE* answers, const std::string& line) {
  return fwrite(line.data(), 1, line.size(), answers) == line.size() &&
         fputc('\n', answers) != EOF && fflush(answers) == 0;
}

std::string Answer(const LoadedPlugin& plugin, const std::string& line) {
  const absl::StatusOr<PluginQuestion> question = ParseQuestion(line);
  if (!question.ok()) return EncodeError(std::string(question.status().message()));
  if (question->hello) return EncodeHelloAnswer(plugin.hello());
  PluginAnswer answer;
  answer.id = question->id;
  answer.results = plugin.Score(question->items, Deadline::Never());
  return EncodeAnswer(answer);
}

int Serve(const std::string& path, const std::string& config) {
  FILE* questions = TakeStandardInput();
  FILE* answers = TakeStandardOutput();
  if (questions == nullptr || answers == nullptr) return EXIT_FAILURE;
  const absl::StatusOr<std::unique_ptr<LoadedPlugin>> plugin = LoadedPlugin::Load(path, config);
  if (!plugin.ok()) {
    WriteLine(answers, EncodeError(std::string(plugin.status().message())));
    return EXIT_FAILURE;
  }
  char* line = nullptr;
  size_t capacity = 0;
  ssize_t bytes;
  while ((bytes = getline(&line, &capacity, questions)) > 0) {
    if (!WriteLine(answers, Answer(**plugin, std::string(line, bytes)))) break;
  }
  free(line);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace grpo

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "--supervise") == 0) return grpo::Supervise(argv + 2);
  if (argc == 2 || argc == 3) return grpo::Serve(argv[1], argc == 3 ? argv[2] : "");
  fprintf(stderr, "usage: %s PLUGIN [CONFIG], for rewards in processes of their own\n", argv[0]);
  return 2;
}
