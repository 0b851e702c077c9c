/**
 * What must not outlive this process: child processes and half-written files.
 * The hooks run when the process ends early, by Ctrl-C, SIGTERM or an error, and must be synchronous.
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
  // 128 + the signal's number, as shells report it. Without a listener the process would end without an exit event.
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
}

function runHooks(): void {
  // The last thing begun is the first to be undone.
  for (const hook of [...hooks].reverse()) {
    try {
      hook()
    } catch (error) {
      console.error(error)
    }
  }
}
