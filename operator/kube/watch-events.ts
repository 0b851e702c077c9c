import type { IncomingMessage } from 'node:http'
import { KubeError } from './errors.ts'
import { linesOf } from './lines.ts'

/** @see https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes */
export type WatchEvent<T> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; object: { metadata: { resourceVersion: string } } }

/** How long after its timeout a watch may still end. */
const graceSeconds = 15

/**
 * The events in the response to a watch request, until the server ends the watch.
 *
 * @param timeoutSeconds time after which the server ends the watch
 * @param plural names the kind in messages
 * @throws KubeError for an ERROR event, such as 410 Expired; Error when the connection breaks
 */
export async function* readWatchEvents<T>(
  answer: IncomingMessage,
  timeoutSeconds: number,
  plural: string,
): AsyncGenerator<WatchEvent<T>> {
  // A connection can break without notice: then nothing arrives, not even the end of the watch after its timeout.
  answer.setTimeout((timeoutSeconds + graceSeconds) * 1000, () =>
    answer.destroy(new Error('the watch received nothing')),
  )
  try {
    for await (const line of linesOf(answer)) {
      const event = JSON.parse(line)
      if (event.type === 'ERROR') {
        const { code, reason, message } = event.object
        throw new KubeError(code ?? 500, reason ?? 'Unknown', `watch ${plural}: ${message}`)
      }
      yield event
    }
    if (answer.errored !== null) throw answer.errored
  } finally {
    answer.destroy()
  }
}
