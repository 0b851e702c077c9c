import { getText } from './get-text.ts'

/** Of an answer that is longer nothing is used. */
const mostBytes = 4 * 1024 * 1024

/**
 * Reads a page of text from a pod. A pod may be gone, may hang, or may be somebody's who sends no end: each of these is
 * no answer.
 */
export async function readText(url: string, timeoutMilliseconds: number): Promise<string | undefined> {
  const answer = await getText(new URL(url), { timeoutMilliseconds, mostBytes }).catch(() => undefined)
  return answer?.status === 200 ? answer.text : undefined
}
