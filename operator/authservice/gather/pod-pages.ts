import { readText } from '../../kube/get-text.ts'

/** A pod that does not answer within this time does not delay a reconcile. */
const timeoutMilliseconds = 1_000
/** A pod needs only a few lines to report its configuration, or why it is not ready. */
const mostBytesOfReport = 64 * 1024

/** A page of text from a pod; undefined if the pod does not answer within a second, or the page is too long. */
export function readPodPage(
  url: string,
  { mostBytes = mostBytesOfReport, signal }: { mostBytes?: number; signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  return readText(url, { timeoutMilliseconds, mostBytes, signal })
}
