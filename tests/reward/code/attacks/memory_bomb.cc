#include <cstring>
#include <vector>
int main() {
  std::vector<char*> blocks;
  for (;;) {
    blocks.push_back(new char[1 << 24]);
    std::memset(blocks.back(), 1, 1 << 24);
  }
}
