// Several versions of one excerpt, all of them playing at once from one clock and looping; only one is let through.
// So switching keeps the position to the sample, and a short crossfade keeps it from clicking.

const SWITCH_S = 0.005; // time constant; as one gain falls the other rises by as much, so alike sounds do not dip
const START_S = 0.05; // all sources must have been told before the first one starts
let context; // one for the page: browsers allow few, and only after the user has done something

export class Player {
  #encoded = [];
  #decoding = null;
  #buffers = [];
  #voices = [];
  #gains = [];
  #began = 0;
  #offset = 0;
  heard = 0; // which is let through

  /** Fetches the sounds; `urls` in the order in which they are chosen. */
  async load(urls) {
    this.#encoded = await Promise.all(urls.map(async (url) => {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error((await answer.json()).error);
      return answer.arrayBuffer();
    }));
  }

  get playing() { return this.#voices.length > 0; }
  get duration() { return this.#buffers[0]?.duration ?? 0; }

  /** Seconds from the start of the excerpt. */
  get position() {
    if (!this.playing) return this.#offset;
    return (this.#offset + Math.max(0, context.currentTime - this.#began)) % this.duration;
  }

  async play() {
    context ??= new AudioContext();
    await context.resume();
    // decoding resamples to the sound card's rate, once and well; who presses twice must not decode twice
    this.#decoding ??= Promise.all(this.#encoded.map((bytes) => context.decodeAudioData(bytes)));
    this.#buffers = await this.#decoding;
    if (!this.playing) this.#start();
  }

  #start() {
    const when = context.currentTime + START_S;
    this.#gains = this.#buffers.map((_, at) => {
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setTargetAtTime(at === this.heard ? 1 : 0, when, SWITCH_S);
      gain.connect(context.destination);
      return gain;
    });
    this.#voices = this.#buffers.map((buffer, at) => {
      const voice = new AudioBufferSourceNode(context, { buffer, loop: true });
      voice.connect(this.#gains[at]);
      voice.start(when, this.#offset);
      return voice;
    });
    this.#began = when;
  }

  pause() {
    this.#offset = this.position;
    const end = context?.currentTime + 10 * SWITCH_S;
    for (const gain of this.#gains) gain.gain.setTargetAtTime(0, context.currentTime, SWITCH_S);
    for (const voice of this.#voices) voice.stop(end);
    this.#voices = [];
    this.#gains = [];
  }

  seek(seconds) {
    const goOn = this.playing;
    if (goOn) this.pause();
    this.#offset = Math.min(Math.max(seconds, 0), Math.max(0, this.duration - 0.01));
    if (goOn) this.#start();
  }

  choose(at) {
    this.heard = at;
    const when = Math.max(context?.currentTime ?? 0, this.#began); // not before what the start has set
    this.#gains.forEach((gain, n) => gain.gain.setTargetAtTime(n === at ? 1 : 0, when, SWITCH_S));
  }
}
