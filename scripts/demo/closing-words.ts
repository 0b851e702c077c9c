import type { Quickstart } from './quickstart.ts'
import type { WalkThrough } from './walk-through.ts'

/** What the last page of the demo needs to know. */
export interface Closing {
  quickstart: Quickstart
  user: WalkThrough
  port: number
  /** File with the certificate authority of the edge. */
  authorityFile: string
  /** Lines that a shell needs before the commands work, such as `export KUBECONFIG=…`. */
  preparation: readonly string[]
  /** Flags for kubectl that choose the cluster; empty when KUBECONFIG does. */
  kubectlFlags: readonly string[]
  /** The command that removes everything again. */
  removal: string
}

/** The end of the demo: who logged in, where, and the next three commands to try. */
export function closingWords(closing: Closing): string {
  const { quickstart, user, port, authorityFile } = closing
  const { name, namespace, host } = quickstart
  const kubectl = ['kubectl', ...closing.kubectlFlags].join(' ')
  const login = JSON.stringify({ email: user.email, password: user.password })
  return `
${user.email} is logged in. The claims of the access token:
${indent(JSON.stringify(user.claims, null, 2))}

The API:  https://${host}:${port}   (its documentation: https://${host}:${port}/docs)

Next, try:
${indent([...closing.preparation, ''].join('\n'))}
  1. see what the operator sees
     ${kubectl} describe authsvc ${name} -n ${namespace}

  2. log in yourself
     curl --cacert ${authorityFile} https://${host}:${port}/v1/auth/login \\
       -H 'content-type: application/json' -d '${login}'

  3. delete something and see it come back
     ${kubectl} delete deployment/${name}-blue service/${name} -n ${namespace}; ${kubectl} get pods -n ${namespace} --watch

Remove it all:  ${closing.removal}`
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
}
