/** Blocks of shell that no test runs unchanged, with the reason. A test fails if an entry matches no block. */
export const notRun: readonly { page: string; begins: string; because: string }[] = [
  {
    page: 'docs/server/client/README.md',
    begins: 'npm install @authservice-operator/client',
    because: 'installs from the registry; test/integration/api-server/client-package.test.ts installs the same tarball',
  },
  {
    page: 'docs/server/client/README.md',
    begins: 'npm install',
    because: 'installs dependencies; test/integration/api-server/client-example.test.ts compiles and runs the client',
  },
  {
    page: 'docs/backup.md',
    begins: 'kubectl authservice restore',
    because: 'asks for confirmation; test/integration/cli/restore.test.ts runs each form',
  },
  {
    page: 'docs/backup.md',
    begins: 'kubectl apply --server-side --force-conflicts -f accounts-secrets.json',
    because: 'needs the file of the previous block; test/integration/operator/remedies.test.ts runs both',
  },
  {
    page: 'docs/backup.md',
    begins: 'mongorestore',
    because: 'restores into a database outside of Kubernetes; test/integration/backup restores with the same tools',
  },
  { page: 'docs/databases.md', begins: 'mongorestore', because: 'restores into a database of the reader' },
  {
    page: 'docs/develop.md',
    begins: 'LOG_LEVEL=debug',
    because: 'runs npm run dev with variables, which scripts/dev tests',
  },
  { page: 'docs/develop.md', begins: 'npm ci', because: 'installs dependencies' },
  { page: 'docs/develop.md', begins: 'node -e', because: 'writes to /etc of the machine' },
  {
    page: 'docs/develop.md',
    begins: 'ENVIRONMENT=production',
    because: 'is a file of variables; api-server/config/config.test.ts parses them',
  },
  {
    page: 'docs/guides/migrate.md',
    begins: 'jq',
    because: 'reads exports of other programs; test/integration/api-server/migrate-guide.test.ts runs each with some',
  },
  {
    page: 'docs/ingress.md',
    begins: 'curl --cacert ca.crt https://auth.localhost',
    because: 'needs an edge on port 443; test/e2e/quickstart.test.ts calls the edge with the same authority',
  },
  {
    page: 'docs/monitoring.md',
    begins: 'kubectl apply --server-side -k manifests/monitoring',
    because:
      'needs the Prometheus operator, which no test cluster has; test/integration/monitoring applies objects of its kinds',
  },
  {
    page: 'docs/monitoring.md',
    begins: 'kubectl -n authservice-system set env',
    because: 'restarts the operator that the tests use; operator/profiling-server.test.ts takes the profiles',
  },
  {
    page: 'docs/install.md',
    begins: 'docker build',
    because: 'pushes to a registry of the reader; npm run cluster -- images builds the same images',
  },
  {
    page: 'docs/plugin.md',
    begins: 'tar -xzf kubectl-authservice_v',
    because: 'installs a file of a release; test/release/plugin.test.ts makes the archive and installs it with krew',
  },
  {
    page: 'docs/docker-compose.md',
    begins: 'docker compose -f compose.yaml -f compose.build.yaml build',
    because: 'needs the plug-in buildx; npm run cluster -- images builds the same images',
  },
  { page: 'docs/operate.md', begins: 'npm ci', because: 'installs dependencies; cli/ tests the plug-in' },
  {
    page: 'docs/operate.md',
    begins: 'kubectl delete authsvc -A --all',
    because: 'removes the operator and the AuthServices of the tests',
  },
  {
    page: 'docs/rollouts.md',
    begins: 'kubectl authservice status accounts --watch',
    because:
      'each command needs another state of a rollout; test/e2e/rollouts.test.ts and the tests in cli/ run them one by one',
  },
  {
    page: 'docs/runbooks/AuthServiceCertificateExpires.md',
    begins: 'echo | openssl s_client',
    because: 'needs a public host and cert-manager',
  },
  {
    page: 'docs/runbooks/AuthServiceDown.md',
    begins: 'curl',
    because: 'needs a public host; test/e2e/quickstart.test.ts requests the same path',
  },
  {
    page: 'docs/server/accounts.md',
    begins: 'ENVIRONMENT=development',
    because: 'changes a database of the reader; test/integration/api-server/admin.test.ts runs the program',
  },
  {
    page: 'docs/server/api.md',
    begins: '',
    because: 'uses values of the previous responses; test/integration/api-server makes each of these calls',
  },
  {
    page: 'docs/server/second-factors.md',
    begins: '',
    because:
      'needs a server with second factors; test/integration/api-server/second-factors-page.test.ts runs the whole page',
  },
  {
    page: 'docs/server/claims.md',
    begins: '',
    because:
      'uses values of previous responses, or an existing user; test/integration/api-server/user-claims.test.ts makes each of these calls, and admin-command.test.ts runs the commands',
  },
  {
    page: 'docs/server/oauth.md',
    begins: '',
    because: 'needs a server with the files that it makes; test/integration/api-server/oidc-page.test.ts runs the page',
  },
  {
    page: 'docs/server/identity-providers.md',
    begins: 'curl $API/v1/me/identities',
    because: 'needs a login at a provider; test/integration/api-server/identity-providers.test.ts sends both requests',
  },
  {
    page: 'docs/server/second-factor-administration.md',
    begins: '',
    because:
      'changes the servers and the database of the reader; test/integration/api-server/second-factor-changes.test.ts and second-factor-keys.test.ts do the same',
  },
]
