/// What moves on the page. It only reads numbers from attributes, and makes no element from text.
enum PageScript {
    static let text = """
        (() => {
          "use strict";
          const page = document.documentElement;
          page.classList.add("live");
          const video = document.querySelector("video");
          const choose = document.querySelector(".choose");
          const timeline = document.querySelector(".timeline");
          const plot = timeline && timeline.querySelector("svg");
          const needle = document.querySelector(".needle");
          const duration = Number(document.body.dataset.duration);
          const parts = [...document.querySelectorAll("[data-from]")];
          let wanted = 0;
          let ready = false;

          const clock = (seconds) => {
            const whole = Math.floor(seconds);
            const two = (number) => String(number).padStart(2, "0");
            const rest = two(whole % 60);
            return whole < 3600
              ? Math.floor(whole / 60) + ":" + rest
              : Math.floor(whole / 3600) + ":" + two(Math.floor(whole / 60) % 60) + ":" + rest;
          };

          const show = (time) => {
            wanted = time;
            if (needle && duration > 0) {
              const place = Math.min(100, Math.max(0, time / duration * 100)) + "%";
              needle.setAttribute("x1", place);
              needle.setAttribute("x2", place);
            }
            for (const part of parts) {
              const inside = time >= Number(part.dataset.from) && time < Number(part.dataset.to);
              part.classList.toggle("on", inside);
              if (part.tagName === "LI") {
                if (inside) part.setAttribute("aria-current", "true");
                else part.removeAttribute("aria-current");
              }
            }
            if (timeline) {
              timeline.setAttribute("aria-valuenow", String(Math.round(time)));
              timeline.setAttribute("aria-valuetext", clock(time));
            }
          };

          const seek = (time, play) => {
            const bounded = Math.min(duration || time, Math.max(0, time));
            show(bounded);
            if (!video || !ready) return;
            video.currentTime = bounded;
            if (play) video.play().catch(() => {});
          };

          const use = (address) => {
            ready = false;
            video.hidden = false;
            video.src = address;
          };

          if (video) {
            let own = null;
            video.addEventListener("loadedmetadata", () => {
              ready = true;
              video.hidden = false;
              if (choose) choose.hidden = true;
              if (wanted > 0) video.currentTime = wanted;
            });
            const missed = () => {
              ready = false;
              video.hidden = true;
              if (choose) choose.hidden = false;
            };
            video.addEventListener("error", missed);
            video.addEventListener("timeupdate", () => show(video.currentTime));
            if (!video.getAttribute("src") || video.error) missed();
            else if (video.readyState > 0) ready = true;
            const file = document.querySelector(".choose input");
            if (file) file.addEventListener("change", () => {
              if (!file.files.length) return;
              if (own) URL.revokeObjectURL(own);
              own = URL.createObjectURL(file.files[0]);
              use(own);
            });
          }

          document.addEventListener("click", (event) => {
            const target = event.target.closest("[data-seek]");
            if (target) seek(Number(target.dataset.seek), true);
          });

          if (timeline && plot && duration > 0) {
            timeline.tabIndex = 0;
            timeline.setAttribute("role", "slider");
            timeline.setAttribute("aria-label", "Position in the video");
            timeline.setAttribute("aria-valuemin", "0");
            timeline.setAttribute("aria-valuemax", String(Math.round(duration)));
            const at = (event) => {
              const box = plot.getBoundingClientRect();
              return (event.clientX - box.left) / box.width * duration;
            };
            let held = false;
            plot.addEventListener("pointerdown", (event) => {
              held = true;
              plot.setPointerCapture(event.pointerId);
              seek(at(event), false);
            });
            plot.addEventListener("pointermove", (event) => { if (held) seek(at(event), false); });
            plot.addEventListener("pointerup", () => { held = false; });
            plot.addEventListener("pointercancel", () => { held = false; });
            timeline.addEventListener("keydown", (event) => {
              const steps = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5, PageDown: -60, PageUp: 60 };
              let time = null;
              if (event.key in steps) time = wanted + steps[event.key];
              else if (event.key === "Home") time = 0;
              else if (event.key === "End") time = duration;
              if (time === null) return;
              event.preventDefault();
              seek(time, false);
            });
            show(0);
          }

          addEventListener("beforeprint", () => {
            for (const part of document.querySelectorAll("details")) part.open = true;
          });
        })();
        """
}
