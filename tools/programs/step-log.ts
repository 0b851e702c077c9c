import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { type ExecaError, execa } from 'execa'
import { cacheDirectory } from './checkout.ts'
import { onEarlyExit } from './exit-hooks.ts'
import { ClusterError, explainFailure } from './failure.ts'

export interface CommandOptions {
  cwd?: string
  /** Added to this process's environment. Undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>>
  /** Written to the command's standard input. */
  input?: string
  /** A file that becomes the command's standard input. */
  inputFile?: string
  /** Kills the command after this time. */
  timeoutSeconds?: number
  /** Converts a line of output into progress for the user; undefined reports nothing. Reports each line by default. */
  progress?: (line: string) => string | undefined
}

/** Runs the commands of one step, writes their output to one log file, and reports progress to the user. */
export class StepLog {
  readonly file: string
  readonly report: (message: string) => void

  /** @param report called for each line of output */
  constructor(file: string, report: (message: string) => void = () => {}) {
    this.file = file
    this.report = report
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, '')
  }

  /**
   * Runs a command and resolves with its standard output.
   *
   * @throws {ClusterError} with the cause and the end of the log
   */
  async run(command: string, commandArguments: readonly string[], options: CommandOptions = {}): Promise<string> {
    const { progress = (line: string) => line, timeoutSeconds, ...execution } = options
    appendFileSync(this.file, `$ ${[command, ...commandArguments].join(' ')}\n`)
    const child = execa(command, commandArguments, {
      ...execution,
      stdin: execution.input === undefined && execution.inputFile === undefined ? 'ignore' : 'pipe',
      all: true,
      detached: true, // a process group of its own, so that its children end with it
      ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds * 1000 }),
    })
    using _ = onEarlyExit(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
    })
    const told = this.#tell(child.iterable({ from: 'all' }), progress)
    try {
      const { stdout } = await child
      return stdout
    } catch (error) {
      throw this.#failure(command, error as ExecaError) // execa rejects with nothing else
    } finally {
      await told
    }
  }

  async #tell(lines: AsyncIterable<string>, progress: (line: string) => string | undefined): Promise<void> {
    try {
      for await (const line of lines) {
        appendFileSync(this.file, `${line}\n`)
        const message = progress(line.trim())
        if (message !== undefined && message !== '') this.report(message)
      }
    } catch {
      // The iteration fails when the command fails, which `run` reports.
    }
  }

  #failure(command: string, error: ExecaError): ClusterError {
    if (error.code === 'ENOENT')
      return new ClusterError(`${command} is not installed: install it, then run this again.`)
    return new ClusterError(
      explainFailure({
        command,
        reason: error.originalMessage ?? (error.timedOut ? 'it took too long' : `exit code ${error.exitCode}`),
        output: String(error.all ?? ''),
        logFile: relative(process.cwd(), this.file),
        cacheDirectory,
      }),
    )
  }
}
