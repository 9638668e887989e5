// Files: uploads with their progress, and a player for those that browsers can play.
import { done, type Client, type Schemas } from "./client";
import { at, element, guard, label, size } from "./elements";

type File_ = Schemas["File"];

const address = (f: File_) => `/files/${encodeURIComponent(f.entry)}`;

const players: [RegExp, "audio" | "video" | "img"][] = [
  [/\.(wav|mp3|ogg|oga|opus|flac|m4a|weba)$/i, "audio"],
  [/\.(mp4|webm|ogv|mov)$/i, "video"],
  [/\.(png|jpe?g|gif|webp|avif)$/i, "img"],
];

export async function loadFiles(api: Client) {
  const files = await done(api.GET("/api/v1/uploads"));
  at("files").replaceChildren(...files.map((f) => {
    const li = element("li"), a = element("a", "", f.name), save = element("a", "save", "↓");
    a.href = address(f);
    a.title = `${f.name}, from ${f.by}`;
    const player = players.find(([ext]) => ext.test(f.entry))?.[1];
    if (player) {
      li.className = player;
      a.onclick = (event) => { event.preventDefault(); play(f, player); };
    }
    save.href = `/api/v1/uploads/${f.id}`;
    save.title = save.ariaLabel = `save ${f.name}`;
    li.append(a, element("span", "count", size(f.size)), save);
    return li;
  }));
  if (!files.length) at("files").append(element("li", "count", "none yet"));
}

function play(f: File_, as: "audio" | "video" | "img") {
  const player = element(as);
  if (player instanceof HTMLMediaElement) {
    player.controls = player.autoplay = true;
    player.preload = "metadata";
  } else {
    player.alt = f.name;
  }
  player.src = address(f);
  label("playing", `${f.name}, from ${f.by}`);
  at("stage").replaceChildren(player);
  at("player").hidden = false;
}

at("stop").onclick = () => {
  at("stage").replaceChildren();
  at("player").hidden = true;
};

/** share sends a file, and shows how much of it the service has read. */
async function share(api: Client, file: File) {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  const li = element("li"), bar = element("progress"), note = element("span", "count", "0 %");
  bar.max = 1;
  bar.ariaLabel = `upload of ${file.name}`;
  li.append(element("span", "name", file.name), note, bar);
  at("uploads").append(li);
  const progress = new EventSource(`/api/v1/upload-progress/${id}`);
  progress.onmessage = ({ data }) => {
    const p = JSON.parse(data) as Schemas["UploadProgress"];
    const part = (p.read || 0) / Math.max(p.total || 0, 1);
    bar.value = Math.min(part, 1);
    note.textContent = `${Math.round(100 * bar.value)} %`;
    if (p.done) progress.close(); // it would connect again
  };
  try {
    await done(api.POST("/api/v1/uploads", {
      params: { query: { name: file.name, progress: id } },
      // The generator has no word for bytes; they are sent as they are.
      body: file as unknown as string, bodySerializer: () => file, headers: { "Content-Type": "application/octet-stream" },
    }));
    bar.value = 1;
    note.textContent = "100 %";
  } catch (err) {
    note.textContent = "failed";
    throw err;
  } finally {
    progress.close();
    setTimeout(() => li.remove(), 1500);
    await loadFiles(api).catch(() => {});
  }
}

/** takeFiles has files shared that are chosen, or dropped on the list. */
export function takeFiles(api: Client, mayShare: () => boolean) {
  const chooser = at("file") as HTMLInputElement, zone = at("shelf");
  const shareAll = (files: Iterable<File>) => Promise.all(Array.from(files, (f) => share(api, f)));
  chooser.onchange = guard(async () => {
    const files = Array.from(chooser.files || []);
    chooser.value = "";
    await shareAll(files);
  });
  zone.ondragover = (event) => {
    if (!mayShare()) return;
    event.preventDefault();
    zone.classList.add("over");
  };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = guard(async (event: DragEvent) => {
    event.preventDefault();
    zone.classList.remove("over");
    await shareAll(event.dataTransfer?.files || []);
  });
}
