/** The parts of a Pod that tests and benches read. */
export interface Pod {
  metadata: { name: string; deletionTimestamp?: string }
  spec: { nodeName?: string }
  status: { containerStatuses?: { containerID?: string; restartCount: number; ready: boolean }[] }
}
