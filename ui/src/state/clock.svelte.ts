// The one clock of the page: it moves every fifteen seconds while the window is seen and stands still while it is hidden (R12).

const STEP_MS = 15_000;

class ClockState {
  now = $state(Date.now());

  run(): void {
    $effect(() => {
      let timer: ReturnType<typeof setInterval> | undefined;
      const follow = () => {
        clearInterval(timer);
        if (document.hidden) return;
        this.now = Date.now();
        timer = setInterval(() => (this.now = Date.now()), STEP_MS);
      };
      follow();
      document.addEventListener('visibilitychange', follow);
      return () => {
        clearInterval(timer);
        document.removeEventListener('visibilitychange', follow);
      };
    });
  }
}

export const clockState = new ClockState();
