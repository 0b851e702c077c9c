import { join } from 'node:path'
import { type ListrTask, PRESET_TIMER } from 'listr2'
import { checkout } from '../programs/checkout.ts'
import { StepLog } from '../programs/step-log.ts'
import { inWords, lastDurations, rememberDuration, spent } from './durations.ts'

/** One step of a long task, as the user sees it. */
export interface Step {
  /** The name of the log file: two digits, in the order of the steps, and a word. */
  id: string
  title: string
  /** A default, measured on two cores. Replaced by the duration of the last run on this machine. */
  usualSeconds: number
  /** Why there is nothing to do, such as `already there`; undefined when there is something to do. */
  done?(): Promise<string | undefined>
  /** Whether the step belongs to this run. Called when its turn comes. */
  applies?(): boolean
  /** May resolve with a short result. */
  run(log: StepLog): Promise<string | undefined>
}

/** How often a progress line is printed without a terminal, in seconds. */
const linesApartSeconds = 20

/** The steps as tasks. Those of an inner list run at the same time. */
export function stepTasks(groups: readonly (readonly Step[])[]): ListrTask[] {
  return groups.flatMap((group): ListrTask[] => {
    if (group.length === 1) return group.map(stepTask)
    return [
      {
        // The inner steps have titles of their own.
        title: `${group.length} steps at the same time`,
        enabled: () => group.some(isApplicable),
        task: (_, task) => task.newListr(group.map(stepTask), { concurrent: true }),
      },
    ]
  })
}

function isApplicable({ applies }: Step): boolean {
  return applies?.() ?? true
}

function logFile({ id }: Step): string {
  return join(checkout.logDirectory, `${id}.log`)
}

/** Shows a step with its progress, its time so far and its usual time. */
function stepTask(step: Step): ListrTask {
  return {
    title: step.title,
    enabled: () => isApplicable(step),
    rendererOptions: { timer: PRESET_TIMER },
    fallbackRendererOptions: { timer: PRESET_TIMER },
    task: async (_, task) => {
      const nothingToDo = await step.done?.()
      if (nothingToDo !== undefined) {
        task.title = `${step.title}: ${nothingToDo}`
        return
      }
      const usually = lastDurations()[step.id] ?? step.usualSeconds
      const progress = startProgress(step.title, usually, {
        setTitle: (title) => {
          task.title = title
        },
        setOutput: (line) => {
          task.output = line
        },
      })
      const started = performance.now()
      try {
        const outcome = await step.run(new StepLog(logFile(step), progress.report))
        await rememberDuration(step.id, (performance.now() - started) / 1000)
        progress.stop(outcome ? `${step.title}: ${outcome}` : step.title)
      } catch (error) {
        progress.stop(step.title)
        throw error
      }
    },
  }
}

interface Progress {
  report(line: string): void
  stop(title: string): void
}

/** On a terminal, shows a clock in the title and every line of output. Otherwise, shows a line at most every 20 s. */
function startProgress(
  title: string,
  usually: number,
  show: { setTitle(title: string): void; setOutput(line: string): void },
): Progress {
  const started = performance.now()
  const elapsedSeconds = () => (performance.now() - started) / 1000
  if (!process.stdout.isTTY) {
    let nextLineAt = linesApartSeconds
    show.setOutput(`usually takes ${inWords(usually)}`)
    return {
      report(line) {
        if (elapsedSeconds() < nextLineAt) return
        nextLineAt = elapsedSeconds() + linesApartSeconds
        show.setOutput(`${spent(elapsedSeconds(), usually)}: ${line}`)
      },
      stop: show.setTitle,
    }
  }
  const tick = () => show.setTitle(`${title} (${spent(elapsedSeconds(), usually)})`)
  tick()
  const clock = setInterval(tick, 1000)
  return {
    report: show.setOutput,
    stop(finalTitle) {
      clearInterval(clock)
      show.setTitle(finalTitle)
    },
  }
}
