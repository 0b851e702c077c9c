import { readFileSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../programs/checkout.ts'

/** The duration of each step in its last run on this machine, in seconds. */
export type Durations = Readonly<Record<string, number>>

const file = join(cacheDirectory, 'durations.json')

/** The durations of the last runs. Empty when there are none or the file is damaged. */
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

/** The progress of a step: `2 min of usually 8 min`, or `11 min, longer than the usual 8 min`. */
export function spent(seconds: number, usualSeconds: number): string {
  return seconds <= usualSeconds
    ? `${inWords(seconds)} of usually ${inWords(usualSeconds)}`
    : `${inWords(seconds)}, longer than the usual ${inWords(usualSeconds)}`
}

/** A duration for people: `3 s`, `2 min`, `2 min 30 s`. */
export function inWords(seconds: number): string {
  const rounded = Math.max(1, Math.round(seconds))
  if (rounded < 60) return `${rounded} s`
  const remainder = rounded % 60
  return remainder === 0 ? `${rounded / 60} min` : `${Math.floor(rounded / 60)} min ${remainder} s`
}
