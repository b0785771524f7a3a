import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A way to Redis that can be cut and mended. */
export class Proxy {
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private port = 0;

  constructor(private readonly target: URL) {}

  /** Lets connections through, always at the same address: the URL of that. */
  async open(): Promise<string> {
    this.server = createServer((socket) => {
      const up = connect(Number(this.target.port), this.target.hostname);
      for (const one of [socket, up]) {
        this.sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          this.sockets.delete(one);
          socket.destroy();
          up.destroy();
        });
      }
      socket.pipe(up);
      up.pipe(socket);
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String(this.port);
    return url.href;
  }

  /** Keeps connections, and what is sent over them: Redis seems to hang. */
  stall(): void {
    for (const socket of this.sockets) socket.pause();
  }

  /** Cuts all connections, and refuses others. */
  async cut(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    const closed = server === undefined ? undefined : once(server, 'close');
    server?.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
