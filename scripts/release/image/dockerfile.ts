/** What the last stage of a Dockerfile says about the image. */
export interface ImageRecipe {
  labels: Record<string, string>
  /** `NAME=value`. */
  env: string[]
  workdir: string
  user: string
  /** Such as `8080/tcp`. */
  ports: string[]
  cmd: string[]
  healthcheck?: Healthcheck
  /** Absolute paths of the base image that the image does not have. The last segment may end in `*`. */
  removed: string[]
}

/** Docker's own field of an image configuration. Durations are nanoseconds. */
interface Healthcheck {
  Test: string[]
  Interval?: number
  Timeout?: number
  StartPeriod?: number
}

/**
 * Reads the last stage of a Dockerfile, so that only the Dockerfiles describe the images. Supports only the
 * instructions that this project uses.
 *
 * @param buildArguments values of ARG instructions that replace the defaults
 * @throws for an instruction that it does not know
 */
export function readDockerfile(text: string, buildArguments: Readonly<Record<string, string>> = {}): ImageRecipe {
  const recipe: ImageRecipe = { labels: {}, env: [], workdir: '/', user: '', ports: [], cmd: [], removed: [] }
  const variables: Record<string, string> = {}
  for (const [keyword, rest] of lastStage(text)) {
    switch (keyword) {
      case 'ARG': {
        const [name = '', value = ''] = rest.split('=')
        variables[name] = buildArguments[name] ?? value
        break
      }
      case 'LABEL':
        for (const [, name = '', value = ''] of rest.matchAll(/(\S+)="([^"]*)"/g)) {
          recipe.labels[name] = value.replace(/\$\{(\w+)\}/g, (_, variable: string) => variables[variable] ?? '')
        }
        break
      case 'RUN':
        recipe.removed.push(...pathsToRemove(rest))
        break
      case 'ENV':
        recipe.env.push(...rest.split(/\s+/))
        break
      case 'WORKDIR':
        recipe.workdir = rest
        break
      case 'USER':
        recipe.user = rest
        break
      case 'EXPOSE':
        recipe.ports.push(...rest.split(/\s+/).map((port) => `${port}/tcp`))
        break
      case 'HEALTHCHECK':
        recipe.healthcheck = healthcheckOf(rest)
        break
      case 'CMD':
        recipe.cmd = JSON.parse(rest)
        break
      case 'COPY': // What the images contain is in build.ts, whose test compares it with these instructions.
        break
      default:
        throw new Error(
          `scripts/release/image/dockerfile.ts does not know ${keyword}: teach it, or use another instruction.`,
        )
    }
  }
  return recipe
}

/** The files that the last stage copies: source → destination. */
export function copiesOf(text: string): Record<string, string> {
  const copies = lastStage(text).filter(([keyword]) => keyword === 'COPY')
  return Object.fromEntries(copies.map(([, rest]) => rest.replace(/^--from=\S+\s+/, '').split(/\s+/)))
}

function lastStage(text: string): [keyword: string, rest: string][] {
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '')
  const from = lines.findLastIndex((line) => line.startsWith('FROM '))
  return lines.slice(from + 1).map((line) => {
    const space = line.indexOf(' ')
    return [line.slice(0, space), line.slice(space + 1).trim()]
  })
}

function pathsToRemove(command: string): string[] {
  const [rm, options, ...paths] = command.split(/\s+/)
  if (rm === 'rm' && options === '-rf' && paths.every((path) => /^\/[\w./-]+\*?$/.test(path))) return paths
  throw new Error(`A release runs no command in an image, so it knows only RUN rm -rf PATH …, not: RUN ${command}`)
}

function healthcheckOf(rest: string): Healthcheck {
  const seconds = (name: string) => Number(new RegExp(`--${name}=(\\d+)s`).exec(rest)?.[1]) * 1e9
  return {
    Test: ['CMD', ...JSON.parse(rest.slice(rest.indexOf('[')))],
    Interval: seconds('interval'),
    Timeout: seconds('timeout'),
    StartPeriod: seconds('start-period'),
  }
}
