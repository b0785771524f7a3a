/**
 * Loaded into a child process before its own program (`node --import`): ends the child when its parent is
 * gone, however the parent ended, because then nobody holds the other end of the child's standard input. A
 * projector that a killed command leaves behind would otherwise run for ever.
 */
process.stdin.on('error', () => undefined);
process.stdin.on('close', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
// Waiting for the parent's end must not keep a child alive that has nothing else to do.
(process.stdin as unknown as { unref?: () => void }).unref?.();

export {};
