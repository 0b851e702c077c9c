/**
 * Cleans up when the process ends early, by Ctrl-C, SIGTERM or an error: child processes and unfinished files. Hooks
 * must be synchronous.
 */
const hooks = new Set<() => void>()
let installed = false

/** Runs `hook` when the process ends before the result is disposed. */
export function onEarlyExit(hook: () => void): Disposable {
  install()
  hooks.add(hook)
  return { [Symbol.dispose]: () => hooks.delete(hook) }
}

function install(): void {
  if (installed) return
  installed = true
  process.on('exit', runHooks)
  // 128 plus the signal's number, as shells do. Without a listener the process would end without an exit event.
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
}

function runHooks(): void {
  // In reverse order of registration.
  for (const hook of [...hooks].reverse()) {
    try {
      hook()
    } catch (error) {
      console.error(error)
    }
  }
}
