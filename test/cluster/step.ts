import { join } from 'node:path'
import { type ListrTask, PRESET_TIMER } from 'listr2'
import { checkout } from './checkout.ts'
import { inWords, lastDurations, rememberDuration } from './durations.ts'
import { StepLog } from './step-log.ts'

/** One part of a long piece of work, as the user sees it. */
export interface Step {
  /** Of the log file, in the order in which steps run: two digits and a name. */
  id: string
  title: string
  /** Measured on two cores; replaced by how long the step took the last time on this machine. */
  usualSeconds: number
  /** Says in a few words that there is nothing to do, such as `already there`; undefined when there is. */
  done?(): Promise<string | undefined>
  /** Whether the step is a part of this run at all; asked when its turn comes. */
  applies?(): boolean
  /** May resolve with a few words on what came of it. */
  run(log: StepLog): Promise<string | undefined | undefined>
}

/** How often a progress line is printed where there is no terminal to repaint, in seconds. */
const linesApartSeconds = 20

/** The steps as tasks; those of an inner list run at the same time. */
export function stepTasks(groups: readonly (readonly Step[])[]): ListrTask[] {
  return groups.flatMap((group): ListrTask[] => {
    if (group.length === 1) return group.map(stepTask)
    return [
      {
        title: group.map(({ title }) => title).join('; '),
        enabled: () => group.some(isApplicable),
        task: (_, task) => task.newListr(group.map(stepTask), { concurrent: true }),
      },
    ]
  })
}

/** Runs the steps without showing them, for callers that have a way of their own to tell how far it is. */
export async function runSteps(
  groups: readonly (readonly Step[])[],
  onProgress: (message: string) => void,
): Promise<void> {
  for (const group of groups) await Promise.all(group.map((step) => runStep(step, onProgress)))
}

async function runStep(step: Step, onProgress: (message: string) => void): Promise<void> {
  if (!isApplicable(step) || (await step.done?.()) !== undefined) return
  onProgress(step.title)
  await step.run(new StepLog(logFile(step), (line) => onProgress(`${step.title}: ${line}`)))
}

function isApplicable({ applies }: Step): boolean {
  return applies?.() ?? true
}

function logFile({ id }: Step): string {
  return join(checkout.logDirectory, `${id}.log`)
}

/** Shows the step with its progress, how long it has taken and how long it usually takes. */
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
      const usually = inWords(lastDurations()[step.id] ?? step.usualSeconds)
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

/** A terminal gets a clock in the title and every line; a log file gets a line now and then. */
function startProgress(
  title: string,
  usually: string,
  show: { setTitle(title: string): void; setOutput(line: string): void },
): Progress {
  const started = performance.now()
  const elapsedSeconds = () => (performance.now() - started) / 1000
  if (!process.stdout.isTTY) {
    let nextLineAt = linesApartSeconds
    show.setOutput(`usually takes ${usually}`)
    return {
      report(line) {
        if (elapsedSeconds() < nextLineAt) return
        nextLineAt = elapsedSeconds() + linesApartSeconds
        show.setOutput(`${inWords(elapsedSeconds())} of usually ${usually}: ${line}`)
      },
      stop: show.setTitle,
    }
  }
  const tick = () => show.setTitle(`${title} (${inWords(elapsedSeconds())} of usually ${usually})`)
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
