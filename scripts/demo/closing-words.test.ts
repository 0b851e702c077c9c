import { expect, test } from 'vitest'
import { closingWords } from './closing-words.ts'

const words = closingWords({
  quickstart: { namespace: 'authservice-demo', name: 'quickstart', host: 'auth.localhost', file: 'quickstart.yaml' },
  user: { email: 'demo@example.com', password: 'p', accessToken: 'a.b.c', claims: { role: 'user' } },
  port: 8443,
  authorityFile: '.cluster/quickstart-ca.crt',
  preparation: ['export KUBECONFIG=kubeconfig'],
  kubectlFlags: [],
  removal: 'npm run demo -- --down',
})

test('a new user can paste lines that resolve the host and trust the CA', () => {
  expect(words).toContain("echo '127.0.0.1 auth.localhost' | sudo tee -a /etc/hosts")
  expect(words).toContain('NODE_EXTRA_CA_CERTS=$PWD/.cluster/quickstart-ca.crt node app.js')
  for (const variable of ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE']) expect(words).toContain(variable)
})

test('no variable that replaces the authorities of the machine outlives a command', () => {
  expect(words).not.toMatch(/export .*(SSL_CERT_FILE|REQUESTS_CA_BUNDLE)/)
})

test('the object that it proposes to delete exists, whichever colour has the traffic', () => {
  expect(words).not.toMatch(/-(blue|green)\b/)
  expect(words).toContain('-l app.kubernetes.io/instance=quickstart,app.kubernetes.io/component=server')
})
