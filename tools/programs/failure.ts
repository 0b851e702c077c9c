/** An error whose message tells the user in one sentence what happened and what to do. */
export class ClusterError extends Error {
  override name = 'ClusterError'
}

const lastLines = 12

/** A known cause, recognized by the output of a failed command. */
interface Symptom {
  pattern: RegExp
  sentence: (details: { cacheDirectory: string }) => string
}

const symptoms: readonly Symptom[] = [
  {
    pattern: /no space left on device|ENOSPC|You don't have enough free space/i,
    sentence: ({ cacheDirectory }) =>
      `The disk is full: free about 12 GiB on the file system of ${cacheDirectory} ("npm run cluster -- down" and deleting that folder frees what this project keeps), then run this again.`,
  },
  {
    pattern: /Could not get lock \/var\/lib\/(dpkg|apt)|Unable to acquire the dpkg frontend lock/i,
    sentence: () => 'Another program is installing Debian packages: wait until it is done, then run this again.',
  },
  {
    pattern: /address already in use|port is already allocated/i,
    sentence: () =>
      'A port that the cluster needs was taken in the meantime: run this again, or name another one with --edge-port.',
  },
  {
    pattern:
      /certificate signed by unknown authority|CERTIFICATE_VERIFY_FAILED|self[- ]signed certificate in certificate chain/i,
    sentence: () =>
      "A download was refused because its certificate is signed by an authority that this machine does not trust: add your network's authority with update-ca-certificates, then run this again.",
  },
  {
    pattern: /Temporary failure (in name resolution|resolving)|no such host|EAI_AGAIN|Could not resolve host/i,
    sentence: () =>
      'A download failed because a host name could not be resolved: check the network, then run this again.',
  },
]

/**
 * The message for a failed command.
 *
 * @param output everything that the command printed
 */
export function explainFailure(failure: {
  command: string
  reason: string
  output: string
  logFile: string
  cacheDirectory: string
}): string {
  const symptom = symptoms.find(({ pattern }) => pattern.test(failure.output) || pattern.test(failure.reason))
  const tail = failure.output.trimEnd().split('\n').slice(-lastLines).join('\n')
  return [
    symptom?.sentence(failure) ?? `${failure.command} failed: ${failure.reason}.`,
    `The last lines of ${failure.logFile}:`,
    tail === '' ? '(it printed nothing)' : tail,
  ].join('\n')
}
