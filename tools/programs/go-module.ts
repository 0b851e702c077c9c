import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

/** The Go module that pins Kubernetes, etcd, containerd, CoreDNS, kind and others. */
export const goModuleDirectory = resolve(import.meta.dirname, 'go')

/** The content of a go.mod. */
export interface GoModule {
  /** The lowest Go release that builds it. */
  goVersion: string
  /** The version of a required module, with its `v`. */
  versionOf(module: string): string
}

export async function readGoModule(directory: string = goModuleDirectory): Promise<GoModule> {
  return parseGoModule(await readFile(join(directory, 'go.mod'), 'utf8'))
}

/** @throws when the file has no `go` line; `versionOf` throws for a module that is not required */
export function parseGoModule(text: string): GoModule {
  const goVersion = /^go (\S+)$/m.exec(text)?.[1]
  if (goVersion === undefined) throw new Error('go.mod has no go line')
  const versions = new Map<string, string>()
  for (const [, module, version] of text.matchAll(/^\s*(?:require )?([\w./-]+) (v\S+)(?: \/\/ indirect)?$/gm)) {
    if (module !== undefined && version !== undefined) versions.set(module, version)
  }
  return {
    goVersion,
    versionOf(module) {
      const version = versions.get(module)
      if (version === undefined) throw new Error(`go.mod does not require ${module}`)
      return version
    },
  }
}
