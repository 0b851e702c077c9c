import type { Quickstart } from '../../tools/cluster-client/quickstart.ts'
import type { WalkThrough } from '../../tools/cluster-client/walk-through.ts'

/** Input of the final message of the demo. */
export interface Closing {
  quickstart: Quickstart
  user: WalkThrough
  port: number
  /** File with the certificate authority of the edge. */
  authorityFile: string
  /** Lines that a shell needs before the commands, such as `export KUBECONFIG=…`. */
  preparation: readonly string[]
  /** Flags of kubectl that select the cluster; empty if KUBECONFIG does. */
  kubectlFlags: readonly string[]
  /** The command that removes the demo. */
  removal: string
}

/** The final message of the demo: who logged in, where, and three commands to try next. */
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
  1. Show the status, the conditions and the events of the AuthService:
     ${kubectl} describe authsvc ${name} -n ${namespace}

  2. Log in:
     curl --cacert ${authorityFile} https://${host}:${port}/v1/auth/login \\
       -H 'content-type: application/json' -d '${login}'

  3. Delete the servers, and watch the operator create them again:
     ${kubectl} delete deployment,service -l app.kubernetes.io/instance=${name},app.kubernetes.io/component=server -n ${namespace}; ${kubectl} get pods -n ${namespace} --watch

Other clients must resolve ${host} and trust the certificate authority of the edge:
  echo '127.0.0.1 ${host}' | sudo tee -a /etc/hosts     # browsers and curl resolve names below localhost without this, Python and Node do not
  NODE_EXTRA_CA_CERTS=$PWD/${authorityFile} node app.js     # Python requests: REQUESTS_CA_BUNDLE, Go and OpenSSL: SSL_CERT_FILE, which can replace the other authorities

To remove the demo:  ${closing.removal}`
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
}
