/** What a provenance statement says. */
export interface BuildFacts {
  /** The commit. */
  revision: string
  /** Such as `refs/tags/v0.1.0`. */
  ref: string
  version: string
  /** Base images by architecture. A digest is missing for one that was built in a dry run. */
  bases: readonly { name: string; digest?: string; architecture: string }[]
  /** Who built it: the address of the workflow, or that of the dry run. */
  builder: string
  /** Identifies the run. */
  invocation: string
  startedOn: Date
  finishedOn: Date
}

const repository = 'https://github.com/authservice-operator/authservice-operator'

/**
 * The predicate of a provenance statement. cosign adds the image as its subject, and signs it.
 * @see https://slsa.dev/spec/v1.0/provenance
 */
export function provenance(facts: BuildFacts): object {
  const bases = facts.bases.flatMap(({ name, digest, architecture }) =>
    digest === undefined
      ? []
      : [
          {
            uri: `pkg:docker/${name}?platform=linux/${architecture}`,
            digest: { sha256: digest.replace('sha256:', '') },
          },
        ],
  )
  return {
    buildDefinition: {
      buildType: `${repository}/blob/main/docs/release.md#build-type`,
      externalParameters: { repository, ref: facts.ref, version: facts.version },
      resolvedDependencies: [
        { uri: `git+${repository}@${facts.ref}`, digest: { gitCommit: facts.revision } },
        ...bases,
      ],
    },
    runDetails: {
      builder: { id: facts.builder },
      metadata: {
        invocationId: facts.invocation,
        startedOn: facts.startedOn.toISOString(),
        finishedOn: facts.finishedOn.toISOString(),
      },
    },
  }
}

/** Builder and run, from the variables that GitHub Actions sets. */
export function builderOf(environment: Readonly<Record<string, string | undefined>>): {
  builder: string
  invocation: string
} {
  const { GITHUB_SERVER_URL: server, GITHUB_WORKFLOW_REF: workflow, GITHUB_REPOSITORY: owner } = environment
  const { GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt } = environment
  if (server === undefined || workflow === undefined || run === undefined) {
    return { builder: `${repository}/blob/main/docs/release.md#dry-run`, invocation: 'dry-run' }
  }
  return {
    builder: `${server}/${workflow}`,
    invocation: `${server}/${owner}/actions/runs/${run}/attempts/${attempt}`,
  }
}
