package main

import (
	"context"
	"errors"
	"hash/crc64"
	"io"
	"log"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

func dump(ctx context.Context, database *mongo.Database, settings settings) error {
	collections, err := collectionsOf(ctx, database)
	if err != nil {
		return err
	}
	archive, err := settings.create()
	if err != nil {
		return err
	}
	return errors.Join(write(ctx, archive, database, collections), archive.Close())
}

func collectionsOf(ctx context.Context, database *mongo.Database) ([]collectionMetadata, error) {
	specifications, err := database.ListCollectionSpecifications(ctx, bson.D{{Key: "type", Value: "collection"}})
	if err != nil {
		return nil, err
	}
	var collections []collectionMetadata
	for _, specification := range specifications {
		if strings.HasPrefix(specification.Name, "system.") {
			continue
		}
		about := metadata{CollectionName: specification.Name, Type: "collection"}
		if err := bson.Unmarshal(specification.Options, &about.Options); err != nil {
			return nil, err
		}
		indexes, err := database.Collection(specification.Name).Indexes().List(ctx)
		if err != nil {
			return nil, err
		}
		if err := indexes.All(ctx, &about.Indexes); err != nil {
			return nil, err
		}
		text, err := bson.MarshalExtJSON(about, true, false)
		if err != nil {
			return nil, err
		}
		collections = append(collections, collectionMetadata{
			Database: database.Name(), Collection: specification.Name, Metadata: string(text),
		})
	}
	return collections, nil
}

func write(ctx context.Context, to io.Writer, database *mongo.Database, collections []collectionMetadata) error {
	if err := writeWord(to, magic); err != nil {
		return err
	}
	var server struct{ Version string }
	if err := database.RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&server); err != nil {
		return err
	}
	if err := writeDocument(to, header{1, "0.1", server.Version, "stand-in"}); err != nil {
		return err
	}
	for _, collection := range collections {
		if err := writeDocument(to, collection); err != nil {
			return err
		}
	}
	if err := writeWord(to, terminator); err != nil {
		return err
	}
	for _, collection := range collections {
		if err := writeCollection(ctx, to, database.Collection(collection.Collection)); err != nil {
			return err
		}
	}
	return nil
}

func writeCollection(ctx context.Context, to io.Writer, collection *mongo.Collection) error {
	cursor, err := collection.Find(ctx, bson.D{})
	if err != nil {
		return err
	}
	defer cursor.Close(ctx)
	name := namespaceHeader{Database: collection.Database().Name(), Collection: collection.Name()}
	if err := writeDocument(to, name); err != nil {
		return err
	}
	checksum := crc64.New(checksums)
	count := 0
	for ; cursor.Next(ctx); count++ {
		if _, err := io.MultiWriter(to, checksum).Write(cursor.Current); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return err
	}
	if err := writeWord(to, terminator); err != nil {
		return err
	}
	name.EOF, name.CRC = true, int64(checksum.Sum64())
	if err := writeDocument(to, name); err != nil {
		return err
	}
	log.Printf("done dumping %s.%s (%d documents)", name.Database, name.Collection, count)
	return writeWord(to, terminator)
}
