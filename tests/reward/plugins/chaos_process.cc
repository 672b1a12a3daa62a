// A reward's process that does what the completion says, to try the program's patience with it.
//
//   chaos_process [--start SECONDS] [--hello LINE] [--group] [--max-batch N] [--pairs]
//
// --hello prints the line in place of the answer to hello; --pairs answers two requests at a time,
// the later one first.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace {

using nlohmann::json;

struct Options {
  double start_seconds = 0;
  std::string hello;
  bool group = false;
  int max_batch = 0;
  bool pairs = false;
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    if (option == "--group") options.group = true;
    if (option == "--pairs") options.pairs = true;
    if (option == "--start") options.start_seconds = std::atof(argv[++i]);
    if (option == "--hello") options.hello = argv[++i];
    if (option == "--max-batch") options.max_batch = std::atoi(argv[++i]);
  }
  return options;
}

[[noreturn]] void Hang() {
  while (true) pause();
}

// By the signal, also where a sanitizer would catch it.
void Crash() {
  signal(SIGSEGV, SIG_DFL);
  raise(SIGSEGV);
}

void WriteAll(int descriptor, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t bytes = write(descriptor, text.data() + done, text.size() - done);
    if (bytes < 0) _exit(9);
    done += bytes;
  }
}

void WriteGigabyte(int descriptor) {
  const std::string lines = std::string(1023, 'x') + "\n";
  std::string megabyte;
  for (int i = 0; i < 1024; ++i) megabyte += lines;
  for (int i = 0; i < 1024; ++i) WriteAll(descriptor, megabyte);
}

void StartDaemon(const std::string& pid_file) {
  if (fork() != 0) return;
  setsid();
  if (fork() != 0) _exit(0);
  const int file = open(pid_file.c_str(), O_WRONLY | O_CREAT, 0600);
  WriteAll(file, std::to_string(getpid()) + "\n");
  close(file);
  Hang();
}

void ExitTheFirstTime(const std::string& marker) {
  const int file = open(marker.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file >= 0) _exit(4);
}

void Misbehave(const std::string& command) {
  if (command == "crash") Crash();
  if (command == "exit") _exit(3);
  if (command == "last words") {
    WriteAll(STDERR_FILENO, "reading the model\nit is not there\n");
    _exit(1);
  }
  if (command.rfind("exit once ", 0) == 0) ExitTheFirstTime(command.substr(10));
  if (command == "hang") Hang();
  if (command == "garbage") WriteAll(STDOUT_FILENO, "a line of debugging\n");
  if (command == "not utf-8") WriteAll(STDOUT_FILENO, "\xff\xfe\n");
  if (command == "gigabyte") WriteGigabyte(STDOUT_FILENO);
  if (command == "stderr flood") WriteGigabyte(STDERR_FILENO);
  if (command == "some stderr") WriteAll(STDERR_FILENO, std::string(100000, 'y') + "\n");
  if (command == "long line") WriteAll(STDOUT_FILENO, std::string(17 << 20, 'z'));
  if (command == "close stdout") close(STDOUT_FILENO);
  if (command == "close stdout" || command == "long line") Hang();
  if (command.rfind("daemon ", 0) == 0) StartDaemon(command.substr(7));
}

json Result(const std::string& command, const json& item, size_t num_items) {
  if (command == "invalid") return {{"status", "invalid"}, {"reason", "not for me"}};
  if (command == "error") return {{"status", "error"}, {"reason", "no model"}};
  if (command == "no status") return {{"score", 1}};
  if (command == "bad status") return {{"status", "fine"}, {"score", 1}};
  if (command == "no score") return {{"status", "scored"}};
  if (command == "text score") return {{"status", "scored"}, {"score", "1"}};
  if (command == "bool score") return {{"status", "scored"}, {"score", true}};
  if (command == "text result") return "1";
  if (command == "bad parts") return {{"status", "scored"}, {"score", 1}, {"parts", {1, 2}}};
  if (command == "bad reason") return {{"status", "scored"}, {"score", 1}, {"reason", 3}};
  json result = {{"status", "scored"}, {"score", 1}, {"reason", "done"}};
  if (command.rfind("score ", 0) == 0) result["score"] = std::atof(command.c_str() + 6);
  if (command == "items") result["score"] = num_items;
  if (command == "echo") result["reason"] = item.dump();
  if (command == "parts") result["parts"] = {{"a", 0.5}, {"b", 2}};
  return result;
}

std::string Answer(const json& request) {
  json answer = {{"id", request["id"]}, {"results", json::array()}};
  const json& items = request["items"];
  for (const json& item : items) {
    const std::string command = item["completion"];
    Misbehave(command);
    answer["results"].push_back(Result(command, item, items.size()));
    if (command == "few") answer["results"].erase(size_t{0});
    if (command == "many") answer["results"].push_back({{"status", "scored"}, {"score", 1}});
    if (command == "wrong id") answer["id"] = 987654;
    if (command == "text id") answer["id"] = "1";
    if (command == "no results") answer["results"] = 5;
    if (command == "batch error") return json{{"id", request["id"]}, {"error", "no gpu"}}.dump();
    if (command == "nan") {
      return "{\"id\":" + request["id"].dump() +
             ",\"results\":[{\"status\":\"scored\",\"score\":NaN}]}";
    }
    if (command == "huge") {
      return "{\"id\":" + request["id"].dump() +
             ",\"results\":[{\"status\":\"scored\",\"score\":1e999}]}";
    }
    if (command == "repeated key") {
      return "{\"id\":" + request["id"].dump() +
             ",\"results\":[{\"status\":\"scored\",\"score\":0,\"score\":1}]}";
    }
    if (command == "half") {
      WriteAll(STDOUT_FILENO, answer.dump().substr(0, 12));
      _exit(0);
    }
    if (command == "twice") WriteAll(STDOUT_FILENO, answer.dump() + "\n");
  }
  return answer.dump();
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = ParseOptions(argc, argv);
  usleep(static_cast<useconds_t>(options.start_seconds * 1e6));
  std::string line;
  std::string held;  // with --pairs, the first answer of a pair
  while (std::getline(std::cin, line)) {
    const json request = json::parse(line);
    if (request["op"] == "hello") {
      json hello = {{"name", "chaos"}, {"version", "1"}, {"max_batch", options.max_batch}};
      hello["flags"] = options.group ? json::array({"group"}) : json::array();
      WriteAll(STDOUT_FILENO, (options.hello.empty() ? hello.dump() : options.hello) + "\n");
      continue;
    }
    const std::string answer = Answer(request) + "\n";
    if (options.pairs && held.empty()) {
      held = answer;
      continue;
    }
    WriteAll(STDOUT_FILENO, answer + held);
    held.clear();
  }
  return 0;
}
