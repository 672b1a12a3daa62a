// The process between the program and a plugin's process: sees to it that nothing is left behind.
#pragma once

namespace grpo {

// Runs the command with the standard descriptors of this process and waits until it ends or until
// descriptor 3, the lifeline, is closed on its other side. Then kills everything that the command
// has started and that still runs, also what has detached itself, and ends as the command did: with
// its exit status or by its signal. Returns an exit status only where the command cannot be run.
//
// What this does not stop: a command that means harm can kill its supervisor first. It runs with
// the rights of the user; a plugin is trusted not to attack, only not to be free of faults.
int Supervise(char* const* argv);

}  // namespace grpo
