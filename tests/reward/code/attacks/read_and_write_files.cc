#include <cstdio>
#include <cstdlib>
int main() {
  char line[256];
  std::FILE* file = std::fopen("SECRET_FILE", "r");
  if (file != nullptr && std::fgets(line, sizeof(line), file) != nullptr) std::puts(line);
  for (const char* path : {"SECRET_FOLDER/written", "/tmp/written", "/tmp/program", "written"}) {
    file = std::fopen(path, "w");
    if (file != nullptr) std::fputs("x", file);
  }
  return std::system("cat SECRET_FILE; touch SECRET_FOLDER/touched");
}
