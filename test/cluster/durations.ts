import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDirectory } from './checkout.ts'

/** How long a step took the last time on this machine, in seconds, by the step's name and whether it had to build. */
export type Durations = Readonly<Record<string, number>>

const file = join(cacheDirectory, 'durations.json')

/** Of the last runs on this machine; empty when there were none or the file is damaged, which only costs the hint. */
export function lastDurations(): Durations {
  try {
    return parseDurations(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}

export function parseDurations(text: string): Durations {
  const parsed: unknown = JSON.parse(text)
  if (typeof parsed !== 'object' || parsed === null) return {}
  return Object.fromEntries(Object.entries(parsed).filter(([, seconds]) => typeof seconds === 'number' && seconds >= 0))
}

export async function rememberDuration(step: string, seconds: number): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const unfinished = `${file}.${process.pid}`
  await writeFile(unfinished, JSON.stringify({ ...lastDurations(), [step]: Math.round(seconds * 10) / 10 }))
  await rename(unfinished, file)
}

/** As a person says it: `3 s`, `2 min`, `2 min 30 s`. */
export function inWords(seconds: number): string {
  const rounded = Math.max(1, Math.round(seconds))
  if (rounded < 60) return `${rounded} s`
  const remainder = rounded % 60
  return remainder === 0 ? `${rounded / 60} min` : `${Math.floor(rounded / 60)} min ${remainder} s`
}
