import { expect, test } from 'vitest'
import { builderOf, provenance } from './provenance.ts'

const facts = {
  revision: 'c0ffee',
  ref: 'refs/tags/v1.2.3',
  version: '1.2.3',
  bases: [
    { name: 'docker.io/library/node:24-bookworm-slim', digest: 'sha256:abc', architecture: 'amd64' },
    { name: 'Debian bookworm', architecture: 'arm64' },
  ],
  builder: 'https://example.com/workflow',
  invocation: 'run 1',
  startedOn: new Date('2026-01-02T03:04:05Z'),
  finishedOn: new Date('2026-01-02T03:05:05Z'),
}

test('a provenance statement names the commit, the published base images, the builder and the run', () => {
  expect(provenance(facts)).toMatchObject({
    buildDefinition: {
      externalParameters: { ref: 'refs/tags/v1.2.3', version: '1.2.3' },
      resolvedDependencies: [
        { uri: expect.stringMatching(/^git[+]https:.*@refs\/tags\/v1\.2\.3$/), digest: { gitCommit: 'c0ffee' } },
        {
          uri: 'pkg:docker/docker.io/library/node:24-bookworm-slim?platform=linux/amd64',
          digest: { sha256: 'abc' },
        },
      ],
    },
    runDetails: {
      builder: { id: 'https://example.com/workflow' },
      metadata: { invocationId: 'run 1', startedOn: '2026-01-02T03:04:05.000Z' },
    },
  })
})

test('in GitHub Actions the builder is the workflow with its ref, elsewhere the dry run', () => {
  const environment = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_WORKFLOW_REF: 'a/b/.github/workflows/release.yml@refs/tags/v1.2.3',
    GITHUB_REPOSITORY: 'a/b',
    GITHUB_RUN_ID: '7',
    GITHUB_RUN_ATTEMPT: '2',
  }
  expect(builderOf(environment)).toEqual({
    builder: 'https://github.com/a/b/.github/workflows/release.yml@refs/tags/v1.2.3',
    invocation: 'https://github.com/a/b/actions/runs/7/attempts/2',
  })
  expect(builderOf({})).toMatchObject({ invocation: 'dry-run', builder: expect.stringContaining('#dry-run') })
})
