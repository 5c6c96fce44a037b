#!/usr/bin/env bash
# Renders the clips of this folder with the ffmpeg command line. They are committed; run this only
# to change them. Index clips carry the number of each picture in their top rows: 12 blocks of 32
# pixels, most significant bit first, white for 1, and below them the complement.
set -euo pipefail
cd "$(dirname "$0")"
ff() { ffmpeg -nostdin -v error -y "$@"; }
bits="between(Y,0,31)*255*mod(floor(N/pow(2,11-floor(X/32))),2)"
complement="between(Y,32,63)*255*(1-mod(floor(N/pow(2,11-floor(X/32))),2))"
index="geq=lum='$bits+$complement+gte(Y,64)*(40+mod(N*3,160))':cb=128:cr=128"
source() { echo "color=black:s=384x216:r=$1:d=$2,format=yuv420p,$index"; }

# B-frames and open groups, 25 a second.
ff -f lavfi -i "$(source 25 6)" -c:v libx264 -crf 30 -g 30 -bf 3 \
  -x264-params open-gop=1:b-pyramid=normal:keyint=30 -threads 1 -fflags +bitexact index_open_gop.mp4
# Uneven frame times: 30, then 10, then 60 a second.
ff -f lavfi -i "$(source 600 0.2)" -vf "setpts='if(lt(N,40),N/30,if(lt(N,60),40/30+(N-40)/10,40/30+2+(N-60)/60))/TB'" \
  -fps_mode passthrough -enc_time_base 1/600 -video_track_timescale 600 -c:v libx264 -crf 30 -bf 2 -threads 1 index_uneven.mp4
# A transport stream whose first time stamp is not zero.
ff -f lavfi -i "$(source 25 4)" -c:v libx264 -crf 30 -g 25 -bf 2 -threads 1 -output_ts_offset 20 index_offset.ts
# Matroska, VP9.
ff -f lavfi -i "$(source 24 5)" -c:v libvpx-vp9 -crf 50 -b:v 0 -g 24 -cpu-used 8 -threads 1 index_vp9.mkv
# Too short for four instants.
ff -f lavfi -i "$(source 25 0.4)" -c:v libx264 -crf 30 -threads 1 index_short.mp4
# Without time stamps.
ff -f lavfi -i "$(source 25 3)" -c:v libx264 -crf 30 -bf 0 -threads 1 -f h264 index_raw.h264
# Each corner has its colour: red, lime / blue, yellow; turned and mirrored by the display matrix.
corners="color=red:s=32x16,drawbox=16:0:16:8:lime:fill,drawbox=0:8:16:8:blue:fill,drawbox=16:8:16:8:yellow:fill"
ff -f lavfi -i "$corners" -frames:v 1 -pix_fmt rgb24 corners.png
for turn in 90 180 270; do
  ff -f lavfi -i "$corners,scale=320:160:flags=neighbor" -t 0.2 -r 10 -pix_fmt yuv420p -c:v libx264 -threads 1 plain.mp4
  ff -display_rotation "$turn" -i plain.mp4 -c copy "corners_rot$turn.mp4" 2>/dev/null \
    || ff -i plain.mp4 -c copy -metadata:s:v:0 rotate="$turn" "corners_rot$turn.mp4"
done
mv plain.mp4 corners_rot0.mp4
# Pictures of a folder: natural order, one damaged, one hidden, one that is no picture.
mkdir -p folder
ff -f lavfi -i "$(source 1 12)" -frames:v 12 -pix_fmt rgb24 -start_number 1 folder/f%d.png
head -c 300 folder/f5.png > folder/damaged && mv folder/damaged folder/f5.png
cp folder/f1.png folder/.hidden.png
echo "not a picture" > folder/notes.txt
# Pixel formats that must pass through to the bit.
ff -f lavfi -i "testsrc2=s=40x24:r=1:d=1" -frames:v 1 -pix_fmt rgba rgba.png
ff -f lavfi -i "testsrc2=s=40x24:r=1:d=1" -frames:v 1 -pix_fmt gray gray.png
ff -f lavfi -i "testsrc2=s=40x24:r=1:d=1,split[a][b];[a]palettegen[p];[b][p]paletteuse" -frames:v 1 -pix_fmt pal8 palette.png
# Damage: bytes overwritten, and the end cut off.
python3 - <<'PY'
data = bytearray(open("index_open_gop.mp4", "rb").read())
at = data.index(b"mdat") + 4
for place in range(at + 8000, at + 8400): data[place] = 0x55
open("damaged.mp4", "wb").write(data)
PY
ff -i index_open_gop.mp4 -c copy -movflags +faststart faststart.mp4
head -c $(($(stat -c %s faststart.mp4) * 6 / 10)) faststart.mp4 > cut.mp4
printf 'ffconcat version 1.0\nfile corners.png\n' > script.mp4
printf '#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n' > playlist.mp4
printf 'file that is no video\n' > text.mp4
